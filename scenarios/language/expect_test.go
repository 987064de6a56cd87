package language

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// eachKind calls f for an empty expectation of each kind, and for its kind as a value to fill.
func eachKind(t *testing.T, f func(t *testing.T, e *Expectation, kind reflect.Value)) {
	t.Helper()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Expectation]()) {
		if field.Type.Kind() != reflect.Pointer || field.Type == reflect.TypeFor[*Where]() {
			continue
		}
		t.Run(jsonName(field), func(t *testing.T) {
			e := &Expectation{}
			kind := reflect.ValueOf(e).Elem().FieldByIndex(field.Index)
			kind.Set(reflect.New(field.Type.Elem()))
			f(t, e, kind.Elem())
		})
	}
}

func TestEveryPointerOfAnExpectationIsAKind(t *testing.T) {
	known := ExpectationKinds()
	eachKind(t, func(t *testing.T, e *Expectation, kind reflect.Value) {
		_, key, _ := strings.Cut(t.Name(), "/")
		if got := e.Kind(); got != key {
			t.Errorf("Kind() = %q: %s must implement expectationKind", got, kind.Addr().Type())
		}
		if !slices.Contains(known, key) {
			t.Errorf("ExpectationKinds() = %q, without this one", known)
		}
	})
	if got := (&Expectation{Where: &Where{Sysctl: Names{"net.x"}}}).Kind(); got != "" {
		t.Errorf("an expectation of where alone is of kind %q", got)
	}
}

// An expectation that judges sockets at an event needs their state at that event; since only says
// when a time begins.
func TestSocketsAreSampledAtEveryEventThatTheyAreJudgedAt(t *testing.T) {
	eachKind(t, func(t *testing.T, e *Expectation, kind reflect.Value) {
		if got := e.SampledAt(); got != nil {
			t.Errorf("SampledAt() = %q, but no event is named", got)
		}
		var want []EventRef
		ofSockets := slices.ContainsFunc(reflect.VisibleFields(kind.Type()), func(f reflect.StructField) bool {
			return f.Type == reflect.TypeFor[SocketSelector]()
		})
		if ofSockets && !e.Observed() {
			t.Error("Observed() = false, but it selects sockets")
		}
		for i := range kind.NumField() {
			f := kind.Type().Field(i)
			if f.Type != reflect.TypeFor[EventRef]() {
				continue
			}
			ref := EventRef("client." + strings.ToLower(f.Name) + "[1]")
			kind.Field(i).SetString(string(ref))
			if ofSockets && f.Name != "Since" {
				want = append(want, ref.Canonical())
			}
		}
		if got := e.SampledAt(); !slices.Equal(got, want) {
			t.Errorf("SampledAt() = %q, want %q", got, want)
		}
	})
}

func TestExpectationsSayWhatTheyExpect(t *testing.T) {
	tests := map[string]string{
		"{step: client.connect, error: ETIMEDOUT, took: 63s}":                                                                             "client.connect: ETIMEDOUT after 63s",
		"{step: client.connect, result: -1}":                                                                                              "client.connect: result -1",
		"{step: client.connect, at: 1s, count: 1}":                                                                                        "client.connect: succeeds, at 1s since the start, 1 time",
		"{step: client.connect, hangs: true}":                                                                                             "client.connect: still in progress at the end",
		"{step: client.recv, bytes: 5, text: {contains: ell}, sha256: {matches: ^a}}":                                                     `client.recv: succeeds, 5 bytes, text containing "ell", sha256 matching /^a/`,
		"{process: client.exec, exit: 7, stderr: refused, took: < 1s}":                                                                    `process client.exec: exit 7, stderr "refused", after < 1s`,
		"{log: client.exec, contains: x, at: 3s, since: client.connect}":                                                                  `log client.exec: a line containing "x", at 3s since client.connect`,
		`{calls: {program: client.exec, name: connect, to: "server:80"}, error: ECONNREFUSED, took: 1s, count: 2, since: client.connect}`: "calls connect of client.exec to server:80 since client.connect: ECONNREFUSED, after 1s, 2 times",
		"{calls: {program: client.exec, name: recv}}":                                                                                     "calls recv of client.exec",
		"{calls: {program: client.exec, name: recv}, hangs: true}":                                                                        "calls recv of client.exec: hangs",
		"{calls: {program: client.exec, name: send}, error: none}":                                                                        "calls send of client.exec: no error",
		"{calls: {program: client.exec, name: send}, result: -1}":                                                                         "calls send of client.exec: returns -1",
		"{log: client.exec, matches: ^x, count: 2}":                                                                                       "log client.exec: 2 lines matching /^x/",
		"{process: client, signal: KILL}":                                                                                                 "process client: killed by SIGKILL",
		"{packets: {from: client, tcp: SYN}, count: 2, gaps: [1s, 2s]}":                                                                   "SYN from client: 2, gaps 1s",
		"{packets: {from: client, tcp: SYN}, count: 1, gaps: [1s]}":                                                                       "SYN from client: 1, gaps",
		"{packets: {tcp: RST}, seen-by: wire, since: client.connect, none: true}":                                                         "RST seen by wire since client.connect: none",
		"{packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: SYN-ACK}]}":                                                                   "TCP: in sequence SYN, SYN-ACK",
		"{counters: {client.Tcp.ActiveOpens: 1, client.Tcp.RetransSegs: < 3}}":                                                            "counters: client.Tcp.ActiveOpens 1, client.Tcp.RetransSegs < 3",
		"{fault: silent, hits: '>= 2'}":                                                                                                   "fault silent: >= 2 hits",
		"{reaches: {host: client, state: CLOSE_WAIT}, recv-q: 3, timer: 'on', at: 4s}":                                                    "reaches: client in CLOSE_WAIT with recv-q 3 with timer on at 4s",
		"{holds: {host: client, state: [ESTABLISHED, CLOSE_WAIT]}, from: client.connect, for: 5s}":                                        "holds: client in ESTABLISHED or CLOSE_WAIT from client.connect for 5s, not longer",
		"{holds: {host: client, state: ESTABLISHED}, for: '>= 5s'}":                                                                       "holds: client in ESTABLISHED for at least 5s",
		"{holds: {host: client, state: ESTABLISHED}, for: <= 5s}":                                                                         "holds: client in ESTABLISHED for at most 5s",
		"{holds: {host: client, state: ESTABLISHED}, for: 5s..6s}":                                                                        "holds: client in ESTABLISHED for 5s..6s",
		"{never: {host: client, remote: 8080}, until: client.connect}":                                                                    "never: client remote port 8080 until client.connect",
		"{path: {host: client}, states: [SYN_SENT, CLOSED]}":                                                                              "path of client: SYN_SENT > CLOSED",
		"{drops: {host: client, reason: [tcp_csum, TCP_FLAGS], port: 80}, none: true}":                                                    "drops on client, TCP_CSUM or TCP_FLAGS, any packet port 80: none",
		"{drops: {host: client, tcp: DATA}, count: '>= 1', since: client.connect}":                                                        "drops on client, any reason, DATA since client.connect: >= 1",
		"{drops: {host: wire, reason: SKB_DROP_REASON_TCP_CSUM}, at: [1s, 2s]}":                                                           "drops on wire, TCP_CSUM: at 1s, 2s",
		"{sockets: {host: client, local: 80}, count: 2, peak: <= 3}":                                                                      "sockets: client local port 80, 2 at the end of the run, at most 3 at once",
	}
	unsaid := ExpectationKinds()
	for yaml, want := range tests {
		text := skeleton + "faults: {silent: {do: drop}}\nactors:\n  client: [connect: \"client:80\", recv: , exec: ls]\nexpect:\n  - " + yaml + "\n"
		e := mustExpand(t, text, nil)[0].Expect[0]
		if got := e.String(); got != want {
			t.Errorf("%s says %q, want %q", yaml, got, want)
		}
		unsaid = slices.DeleteFunc(unsaid, func(kind string) bool { return kind == e.Kind() })
	}
	if len(unsaid) > 0 {
		t.Errorf("no words are tested of the kinds %q", unsaid)
	}
}

func TestAPlainPeakMeansAtMost(t *testing.T) {
	for _, tt := range []struct {
		text, title string
		fits        []int64 // of 0 to 4
	}{
		{"2", "at most 2 at once", []int64{0, 1, 2}},
		{"0", "at most 0 at once", []int64{0}},
		{"<= 2", "at most 2 at once", []int64{0, 1, 2}},
		{"< 2", "at most 1 at once", []int64{0, 1}},
		{">= 2", "at least 2 at once", []int64{2, 3, 4}},
		{"> 2", "at least 3 at once", []int64{3, 4}},
		{"2..3", "2..3 at once", []int64{2, 3}},
		{"2..2", "exactly 2 at once", []int64{2}},
	} {
		t.Run(tt.text, func(t *testing.T) {
			var p Peak
			if err := p.Set(tt.text); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var again Peak // as inspect reads it from a trace
			if err := json.Unmarshal(text, &again); err != nil {
				t.Fatal(err)
			}
			for _, p := range []Peak{p, again} {
				var fits []int64
				for n := range int64(5) {
					if p.Contains(n) {
						fits = append(fits, n)
					}
				}
				if p.String() != tt.title || !slices.Equal(fits, tt.fits) {
					t.Errorf("%q takes %v, want %q and %v", p.String(), fits, tt.title, tt.fits)
				}
			}
		})
	}
	if err := new(Peak).Set("some"); err == nil {
		t.Error("some is taken for a peak")
	}
}

func TestWhatMayHang(t *testing.T) {
	s := mustExpand(t, `
name: hangs
title: Steps that are expected to hang
hosts: {one: {}, two: {}}
actors:
  one:
    - {wait: two.wait, id: once}
    - {wait: two.wait, id: third, times: 3}
    - {repeat: {times: 2, steps: [{wait: two.wait, id: inner}]}, id: loop}
    - {wait: two.wait, id: elsewhere}
    - {wait: two.wait, id: never}
  two: [{wait: one.once, id: wait}]
expect:
  - {step: one.once, hangs: true}
  - {step: "one.third[3]", hangs: true}
  - {step: one.inner, hangs: true}
  - {step: one.elsewhere, hangs: true, where: {sysctl: net.ipv4.tcp_syn_linear_timeouts}}
`, nil)[0]
	for ref, want := range map[StepRef]bool{
		"one.once": true, "one.once[2]": true, "one.third[3]": true, "one.third[2]": false,
		"one.loop": true, "one.inner[2]": true, "one.elsewhere": false, "one.never": false,
		"two.wait": false, "two.once": false,
	} {
		if got := s.MayHang(ref, func(*Where) bool { return false }); got != want {
			t.Errorf("MayHang(%s) = %t, want %t", ref, got, want)
		}
	}
	if !s.MayHang("one.elsewhere", func(*Where) bool { return true }) {
		t.Error("a step whose condition is met may not hang")
	}
}

func TestPathsLeaveOutOptionalStates(t *testing.T) {
	for _, tt := range []struct {
		name, path, went string
		fits             bool
		at, next         int
	}{
		{"every state", "SYN_SENT ESTABLISHED CLOSED", "SYN_SENT ESTABLISHED CLOSED", true, 3, 3},
		{"a state too few", "SYN_SENT ESTABLISHED CLOSED", "SYN_SENT ESTABLISHED", false, 2, 2},
		{"a state too many", "SYN_SENT ESTABLISHED", "SYN_SENT ESTABLISHED CLOSED", false, 2, 2},
		{"an optional state that is there", "FIN_WAIT1 FIN_WAIT2? CLOSED", "FIN_WAIT1 FIN_WAIT2 CLOSED", true, 3, 3},
		{"an optional state left out", "FIN_WAIT1 FIN_WAIT2? CLOSED", "FIN_WAIT1 CLOSED", true, 2, 3},
		{"optional states at both ends", "SYN_SENT? ESTABLISHED CLOSED?", "ESTABLISHED", true, 1, 2},
		{"the later of two that fit", "SYN_SENT? ESTABLISHED? SYN_SENT CLOSED", "SYN_SENT CLOSED", true, 2, 4},
		{"the earlier of two that fit", "SYN_SENT? ESTABLISHED? SYN_SENT? CLOSED", "SYN_SENT ESTABLISHED CLOSED", true, 3, 4},
		{"no state", "SYN_SENT ESTABLISHED?", "", false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := PathExpectation{}
			for _, s := range strings.Fields(tt.path) {
				p.States = append(p.States, PathState(s))
			}
			var went []State
			for _, s := range strings.Fields(tt.went) {
				went = append(went, State(s))
			}
			at, next := p.Follow(went)
			if fits := p.Fits(went); fits != tt.fits || at != tt.at || next != tt.next {
				t.Errorf("fits %t, follows %d states over %d of the path; want %t, %d and %d",
					fits, at, next, tt.fits, tt.at, tt.next)
			}
		})
	}
}
