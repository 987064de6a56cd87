package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// try reads its flags, and nothing else, as try does. It returns the attempt.
func attemptOf(t *testing.T, args ...string) (*attempt, error) {
	t.Helper()
	a := &attempt{timeout: defaultTimeout, family: language.V4}
	cmd := newRoot()
	cmd.ResetCommands()
	a.faults.flags(cmd)
	cmd.Flags().SetInterspersed(false)
	if err := cmd.ParseFlags(args); err != nil {
		return nil, flagError(cmd, err)
	}
	a.client = cmd.Flags().Args()
	return a, nil
}

func TestAnAttemptIsAScenario(t *testing.T) {
	a, err := attemptOf(t, "--drop", "SYN", "--first", "2", "--delay", "200ms", "--from", "server",
		"--tcp", "DATA", "--contains", "a \"b\" c", "--drop", "syn", "--to", "server", "--from", "client.exec.start", "--udp",
		"--", "./client", "8", "${HOME} 'it'", "http://server:8080/", "")
	if err == nil {
		_, err = a.scenario()
	}
	if err == nil || err.Error() != `the fault "drop syn to server from client.exec.start udp any": udp is said twice; keep one` &&
		!strings.Contains(err.Error(), "no packet is tcp and udp at once") {
		t.Errorf("a fault of two protocols: %v", err)
	}
	a, err = attemptOf(t, "--drop", "SYN", "--first", "2", "--delay", "200ms", "--from", "server",
		"--tcp", "DATA", "--contains", "a \"b\" c", "--drop", "syn", "--to", "server", "--from", "client.exec.start",
		"--", "./client", "8", "${HOME} 'it'", "http://server:8080/", "")
	if err != nil {
		t.Fatal(err)
	}
	a.server = "exec ./srv -p 8080 # ${PORT}"
	src, err := a.yaml("my", nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Written by halfopen try, for: halfopen run FILE. The keys are in docs/scenario-language.md.
name: my
title: ./client 8 $${HOME} 'it' http://server:8080/ under drop SYN first 2, delay 200ms DATA from server contains "a \"b\" c"...
hosts: {client: {}, server: {}}
faults:
  # drop SYN first 2
  drop-syn:
    match: {tcp: SYN}
    first: 2
    do: drop
  # delay 200ms DATA from server contains "a \"b\" c"
  delay-data:
    match: {from: server, tcp: DATA, payload: {contains: a "b" c}}
    do: {delay: 200ms}
  # drop SYN to server from client.exec.start
  drop-syn-2:
    match: {tcp: SYN, to: server}
    from: client.exec.start
    do: drop
actors:
  # The server runs beside the client, which begins when the server listens.
  server:
    - start:
        command: 'exec ./srv -p 8080 # $${PORT}'
        ready: {listens: 8080}
  client:
    - exec:
        command: [./client, "8", '$${HOME} ''it''', 'http://server:8080/', ""]
        timeout: 1m0s
expect:
  - {process: client.exec, took: '>= 0s'}
`
	if diff := cmp.Diff(want, string(src)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s, err := a.scenario()
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"./client", "8", "${HOME} 'it'", "http://server:8080/", ""}
	if got := s.Actors[1].Steps[0].Op.Exec.Command; !slices.Equal(got, command) {
		t.Errorf("the client is %q, want %q", got, command)
	}
	if got := s.Actors[0].Steps[0].Op.Start.Command; !slices.Equal(got, []string{"sh", "-c", string(a.server)}) {
		t.Errorf("the server is %q", got)
	}
	if here, _ := os.Getwd(); s.Dir != here || s.Estimate() >= time.Minute {
		t.Errorf("the directory is %s, the estimate %v", s.Dir, s.Estimate())
	}
}

// Whatever a command has in it, the scenario has the same.
func TestCommandsSurviveTheScenario(t *testing.T) {
	for _, word := range []string{
		"", " ", "-", "~", "null", "true", "0x10", "1e3", "2026-11-30", "a: b", "a #b", "[x]", "{x: y}",
		"&a", "*a", "!t", "|", ">", "%", "@", "`", "\"", "'", "\\", "\n", "a\nb\n", "\t", "\x01", "\x7f", "\u2028", "\ufeff", "é", "💥",
		"$", "$$", "${", "${x}", "$${x}", "${{x}}", "}", "---", "...", "? x", strings.Repeat("x ", 500),
	} {
		a := &attempt{timeout: time.Second, family: language.V6, client: []string{"./client", word}}
		if strings.TrimSpace(word) != "" {
			a.server = once(word)
		}
		s, err := a.scenario()
		if err != nil {
			t.Errorf("%q: %v", word, err)
			continue
		}
		client := s.Actors[len(s.Actors)-1].Steps[0].Op.Exec.Command
		if !slices.Equal(client, a.client) || a.server != "" && s.Actors[0].Steps[0].Op.Start.Command[2] != word {
			t.Errorf("%q became %q", word, client)
		}
	}
}

func TestTheServerIsReadyWhereTheClientConnects(t *testing.T) {
	for client, want := range map[string]string{
		"curl http://server:8080/":                       "8080",
		"curl http://server/":                            "80",
		"curl https://server":                            "443",
		"curl https://user:x@server/a?b":                 "443",
		"wget -qO- ws://server.2/x":                      "80",
		"nc server 9000":                                 "9000",
		"nc -w 3 server.2 9000":                          "9000",
		"sh -c 'curl http://server:81/'":                 "81",
		"redis-cli -h server -p 6379":                    "any",
		"curl http://server:99999/":                      "any",
		"curl http://other/ http://myserver/":            "any",
		"ssh server":                                     "any",
		"curl http://server:0/":                          "any",
		"curl --connect-to ::server:8443 http://x.test/": "8443",
	} {
		a := &attempt{client: strings.Fields(client)}
		if got := a.ready(); got != want {
			t.Errorf("%s: ready on %s, want %s", client, got, want)
		}
	}
	if got := (&attempt{client: []string{"nc", "server", "1"}, listens: "any"}).ready(); got != "any" {
		t.Errorf("asked for any: ready on %s", got)
	}
}

// A new action or key of the language has a flag at once, which makes a fault of it.
func TestEveryWordOfAPhraseIsAFlag(t *testing.T) {
	cmd := newTry()
	ofSelector, ofFault := language.PhraseKeys()
	for _, w := range slices.Concat(language.PhraseActions(), ofSelector, ofFault) {
		f := cmd.Flags().Lookup(w.Word)
		if f == nil {
			t.Errorf("no flag --%s", w.Word)
			continue
		}
		if _, ok := f.Value.(*faultFlag); !ok || !strings.Contains(f.Usage, strings.TrimSuffix(w.About, ".")) {
			t.Errorf("--%s is not about a fault, or not described: %q", w.Word, f.Usage)
		}
	}
	for _, action := range language.PhraseActions() {
		if !strings.HasPrefix(phraseOf(t, "--"+action.Word, ""), action.Word) {
			t.Errorf("--%s begins another fault", action.Word)
		}
	}
}

func phraseOf(t *testing.T, args ...string) string {
	t.Helper()
	a, err := attemptOf(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(a.faults.phrases, "; ")
}

func TestFlagsArePhrases(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--drop", "SYN", "--first", "2"}, "drop SYN first 2"},
		{[]string{"--drop", "SYN", "--first", "2", "--delay", "1s", "--to", "client"}, "drop SYN first 2; delay 1s to client"},
		{[]string{"--fault", "reset DATA", "--nth", "3"}, "reset DATA nth 3"},
		{[]string{"--drop", "any", "--contains", "GET /", "--seq", ">= 3", "--udp"}, `drop any contains "GET /" seq ">= 3" udp any`},
		{[]string{"--drop=any", "--contains", ""}, `drop any contains ""`},
		{[]string{"--rate", "1mbit", "cmd", "--drop", "SYN"}, "rate 1mbit"},
	} {
		if got := phraseOf(t, c.args...); got != c.want {
			t.Errorf("%q are %s, want %s", c.args, got, c.want)
		}
	}
}

func TestWhatWasSeenIsExpected(t *testing.T) {
	for want, f := range map[string]language.Fault{
		"2":    {First: 2},
		"1":    {First: 4, Every: 4},
		"3":    {Nth: language.Ints{1, 2, 3}},
		">= 1": {Skip: 2},
		">= 0": {Chance: new(language.Percent)},
	} {
		n := map[string]uint64{"2": 2, "1": 1, "3": 3, ">= 1": 7, ">= 0": 5}[want]
		if got := hitsOf(&f, n).Value; got != want {
			t.Errorf("%s: hits %s, want %s", f.String(), got, want)
		}
	}
	if got := hitsOf(&language.Fault{First: 2}, 0).Value; got != "0" {
		t.Errorf("a fault that struck nothing: hits %s, want 0", got)
	}
	if got := hitsOf(&language.Fault{First: 2}, 1).Value; got != ">= 1" {
		t.Errorf("a fault that struck once of twice: hits %s, want >= 1", got)
	}
	for took, want := range map[time.Duration]string{
		1004 * time.Millisecond: "750ms..2.01s",
		2084 * time.Millisecond: "1.56s..4.17s",
		127 * time.Second:       "1m35s..4m15s",
	} {
		if got := about(took); got != want {
			t.Errorf("%v is about %s, want %s", took, got, want)
		}
		var span language.Span
		if err := span.Set(about(took)); err != nil || !span.Contains(took) {
			t.Errorf("%v is not in %s: %v", took, about(took), err)
		}
	}
}
