package result

import (
	"testing"
	"time"

	"halfopen/scenarios/language"
)

func TestAFailureCanBeRepeated(t *testing.T) {
	builtin := language.Scenario{Name: "syn-lost-once", Pos: language.Pos{File: "handshake/syn-lost-once.yaml"}}
	file := func(path string) language.Scenario {
		return language.Scenario{Name: "my", Dir: "/home/me", Pos: language.Pos{File: path}}
	}
	with := func(s language.Scenario, change func(*language.Scenario)) language.Scenario {
		change(&s)
		return s
	}
	long := func(s *language.Scenario) { s.Duration = language.Duration(time.Hour) }
	program := func(s *language.Scenario) {
		s.Actors = []language.Actor{{Name: "client", Steps: []language.Step{{Op: language.Op{Exec: &language.Exec{}}}}}}
	}
	guest := Place{Kernel: "6.1.0-50-amd64"}
	for _, tt := range []struct {
		name     string
		scenario language.Scenario
		place    Place
		c        Conditions
		want     string
	}{
		{"of the library", builtin, Place{}, Conditions{}, "syn-lost-once --seed 7"},
		{"of a file", file("dir/my.yaml"), Place{}, Conditions{}, "dir/my.yaml --seed 7"},
		{"of a file that looks like a flag", file("-my.yaml"), Place{}, Conditions{}, "./-my.yaml --seed 7"},
		{"of a file with blanks and quotes", file("it's mine.yaml"), Place{}, Conditions{}, `'it'\''s mine.yaml' --seed 7`},
		{"of the standard input", file("-"), Place{}, Conditions{}, "- --seed 7"},
		{"of a Go program", language.Scenario{Name: "my"}, Place{}, Conditions{}, ""},
		{"of a text of a Go program", language.Scenario{Name: "my", Pos: language.Pos{File: "my.yaml"}}, Place{}, Conditions{}, ""},
		{
			"of a case", with(builtin, func(s *language.Scenario) { s.Case, s.Family = "retries=3 (slow)", language.V4 }),
			Place{},
			Conditions{},
			"syn-lost-once --case 'retries=3 (slow)' --seed 7",
		},
		{
			"of a case on two IP versions", with(builtin, func(s *language.Scenario) {
				s.Case, s.Family, s.IP = "retries=3", language.V6, []language.Family{language.V4, language.V6}
			}), Place{}, Conditions{}, "syn-lost-once --case retries=3 --case v6 --seed 7",
		},
		{
			"with parameters", with(builtin, func(s *language.Scenario) { s.Set = map[string]string{"b": "a b", "a": "1s"} }),
			Place{},
			Conditions{},
			"syn-lost-once --set a=1s --set 'b=a b' --seed 7",
		},
		{
			"with a parameter that a terminal would not show", with(builtin, func(s *language.Scenario) { s.Set = map[string]string{"a": "\x1b[1m%"} }),
			Place{},
			Conditions{},
			`syn-lost-once --set "$(printf 'a=\033[1m%%')" --seed 7`,
		},
		{"on another kernel", builtin, guest, Conditions{Kernels: true}, "syn-lost-once --seed 7 --kernel 6.1.0-50-amd64"},
		{"on a kernel at a path", builtin, Place{Kernel: "6.1", Image: "/boot/my image"}, Conditions{Kernels: true}, "syn-lost-once --seed 7 --kernel '/boot/my image'"},
		{"warped", builtin, Place{Kernel: "6.1", Warp: true}, Conditions{}, "syn-lost-once --seed 7 --kernel 6.1 --warp"},
		{"on this of several kernels", builtin, Place{}, Conditions{Kernels: true}, "syn-lost-once --seed 7 --kernel running"},
		{"of a long run in real time", with(builtin, long), Place{}, Conditions{}, "syn-lost-once --seed 7 --long"},
		{"of a long run in the real time of a guest", with(builtin, long), guest, Conditions{}, "syn-lost-once --seed 7 --kernel 6.1.0-50-amd64 --long"},
		{"of a long run that is warped", with(builtin, long), Place{Kernel: "6.1", Warp: true}, Conditions{}, "syn-lost-once --seed 7 --kernel 6.1 --warp"},
		{"of a control", with(builtin, func(s *language.Scenario) { s.Without = &language.Setting{} }), Place{}, Conditions{}, "syn-lost-once --seed 7 --control"},
		{
			"of a program that may write", with(builtin, program),
			Place{},
			Conditions{NoRepeat: true, NoTracepoints: true, Writable: []string{"/a b", "/c"}},
			"syn-lost-once --seed 7 --no-repeat --no-tracepoints --writable '/a b' --writable /c",
		},
		{"where a halfopen.yaml has other defaults", file("a/my.yaml"), Place{}, Conditions{NoConfig: true}, "a/my.yaml --seed 7 --no-config"},
		{"of a run without programs", builtin, Place{}, Conditions{Writable: []string{"/c"}}, "syn-lost-once --seed 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want != "" {
				want = "halfopen run " + want
			}
			if got := Rerun(&Run{Scenario: &tt.scenario, Seed: 7, N: 3, Place: tt.place}, tt.c); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
