package actor

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	inherit := &language.Environment{Inherit: language.Names{"GODEBUG"}}
	for _, tt := range []struct {
		name, value string
		env         *language.Environment
		want        string
	}{
		{"none", "", inherit, "unset\n"},
		{"one", "http2client=0", inherit, "http2client=0\n"},
		{"one that is not asked for", "http2client=0", nil, "unset\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.value != "" {
				t.Setenv("GODEBUG", tt.value)
			}
			p := run(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "echo ${GODEBUG-unset}"}, Env: tt.env}}}))
			if got := string(p.event("exec").Step.Stdout); got != tt.want {
				t.Errorf("a program has %q, want %q", got, tt.want)
			}
		})
	}
}

// A program has a small environment, and what its step adds.
func TestTheEnvironmentOfAProgram(t *testing.T) {
	for _, name := range []string{"LANG", "TZ", "TERM", "HALFOPEN_X", "SECRET"} {
		t.Setenv(name, "of-the-parent")
	}
	p := run(t, step("exec", language.Op{Exec: &language.Exec{
		Launch: language.Launch{Command: []string{"env", "-u", "PWD"}, Env: &language.Environment{
			Inherit:   language.Names{"SECRET", "NOT_SET"},
			Variables: []language.Variable{{Name: "TZ", Value: "UTC"}, {Name: "EMPTY"}},
		}},
	}}))
	got := strings.Split(strings.TrimSpace(string(p.event("exec").Step.Stdout)), "\n")
	got = slices.DeleteFunc(got, func(v string) bool { return strings.HasPrefix(v, "HALFOPEN_CI=") || strings.HasPrefix(v, roleVar) })
	want := []string{
		"EMPTY=", "HALFOPEN_HOST=h", "HALFOPEN_PROGRAM=a.exec", "HALFOPEN_X=of-the-parent", "HOME=/run/home", "LANG=of-the-parent", "PATH=" + os.Getenv("PATH"),
		"SECRET=of-the-parent", "TERM=of-the-parent", "TZ=UTC",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the environment (-want +got):\n%s", diff)
	}
}
