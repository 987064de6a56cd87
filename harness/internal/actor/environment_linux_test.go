package actor

import (
	"slices"
	"testing"

	"halfopen/scenarios/language"
)

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name          string
		parent, actor []string
	}{
		{"without GODEBUG", []string{"A=1", "NOGODEBUG=x"}, []string{"A=1", "NOGODEBUG=x", "GODEBUG=asyncpreemptoff=1"}},
		{
			"with a GODEBUG of the user",
			[]string{"GODEBUG=http2client=0", "A=1"},
			[]string{"GODEBUG=http2client=0,asyncpreemptoff=1", "A=1"},
		},
		{"with an empty GODEBUG", []string{"GODEBUG="}, []string{"GODEBUG=,asyncpreemptoff=1"}},
		{
			"with the same GODEBUG",
			[]string{"GODEBUG=asyncpreemptoff=1"},
			[]string{"GODEBUG=asyncpreemptoff=1,asyncpreemptoff=1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Environment(tt.parent)
			if !slices.Equal(got, tt.actor) {
				t.Errorf("the actor has %q, want %q", got, tt.actor)
			}
			if again := forPrograms(got); !slices.Equal(again, tt.parent) {
				t.Errorf("programs have %q, want %q", again, tt.parent)
			}
		})
	}
	if env := []string{"A=1", "GODEBUG=http2client=0"}; !slices.Equal(forPrograms(env), env) {
		t.Errorf("programs have %q", forPrograms(env))
	}
}

// A Go program without signals for preemption can hang in a loop: the setting is for actors alone.
func TestProgramsHaveTheUsersGODEBUG(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"none", "", "unset\n"},
		{"one", "http2client=0", "http2client=0\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.value != "" {
				t.Setenv("GODEBUG", tt.value)
			}
			p := run(t, step("exec", language.Op{Exec: &language.Exec{Command: []string{"echo ${GODEBUG-unset}"}}}))
			if got := string(p.event("exec").Step.Stdout); got != tt.want {
				t.Errorf("a program has %q, want %q", got, tt.want)
			}
		})
	}
}
