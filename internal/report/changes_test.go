package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/proof"
	"halfopen/scenarios/language"
)

// pathsFrom reads the paths of a socket, each phase a millisecond after the one before: "A B | A C".
func pathsFrom(text string) [][]proof.Phase {
	var paths [][]proof.Phase
	for _, way := range strings.Split(text, "|") {
		path := []proof.Phase{}
		for i, state := range strings.Fields(way) {
			if state == "unknown" {
				state = proof.Unknown
			}
			path = append(path, proof.Phase{State: state, From: time.Duration(i+1) * ms})
		}
		paths = append(paths, path)
	}
	return paths
}

// A state is sure only if it is on every path.
func TestPathsOfASocketAreDrawnAsOne(t *testing.T) {
	for name, test := range map[string]struct{ paths, want string }{
		"one path":                               {"SYN_SENT ESTABLISHED", "SYN_SENT 1ms, ESTABLISHED 2ms"},
		"a state that may have been":             {"SYN_RECV CLOSED | SYN_RECV ESTABLISHED CLOSED", "SYN_RECV 1ms, ESTABLISHED? 2ms, CLOSED 3ms"},
		"one of two states":                      {"FIN_WAIT1 FIN_WAIT2 TIME_WAIT | FIN_WAIT1 CLOSING TIME_WAIT", "FIN_WAIT1 1ms, FIN_WAIT2? 2ms, CLOSING? 2ms, TIME_WAIT 3ms"},
		"an end that may have come":              {"ESTABLISHED | ESTABLISHED CLOSED", "ESTABLISHED 1ms, CLOSED? 2ms"},
		"a socket that may never have been":      {" | SYN_RECV CLOSED", "SYN_RECV? 1ms, CLOSED? 2ms"},
		"more states than are worth naming":      {"ESTABLISHED CLOSED | ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSED | ESTABLISHED CLOSE_WAIT CLOSED", "ESTABLISHED 1ms, unknown 2ms, CLOSED 4ms"},
		"what contradicts itself":                {"ESTABLISHED unknown CLOSED", "ESTABLISHED 1ms, unknown 2ms, CLOSED 3ms"},
		"three paths, each with its own missing": {"A B | A C | B C", "A? 1ms, B? 2ms, C? 2ms"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range spansOf(pathsFrom(test.paths)) {
				got = append(got, fmt.Sprint(s.String(), " ", s.From))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Changes between two packets share a row, and those of many sockets, too.
func TestChangesOfStatesThatFollowEachOther(t *testing.T) {
	change := func(at time.Duration, line int, state string) row {
		host := "server"
		if line >= 100 {
			host = "client"
		}
		return row{at: at, host: host, change: &change{
			line: line, ports: fmt.Sprintf("80>%d", line), states: []string{state}, sockets: 1,
		}}
	}
	packet := func(at time.Duration) row { return row{at: at, journey: &Journey{}, text: "packet"} }
	us := time.Microsecond
	for name, test := range map[string]struct {
		rows []row
		want []string
	}{
		"one socket, no packet between": {
			[]row{change(0, 1, "SYN_RECV"), change(9*us, 1, "ESTABLISHED")},
			[]string{"0s server [SYN_RECV > ESTABLISHED 80>1]"},
		},
		"a packet between": {
			[]row{change(0, 1, "SYN_RECV"), packet(us), change(9*us, 1, "ESTABLISHED")},
			[]string{"0s server [SYN_RECV 80>1]", "1µs  packet", "9µs server [ESTABLISHED 80>1]"},
		},
		"much later": {
			[]row{change(0, 1, "TIME_WAIT"), change(time.Minute, 1, "CLOSED")},
			[]string{"0s server [TIME_WAIT 80>1]", "1m0s server [CLOSED 80>1]"},
		},
		"the other side's change between": {
			[]row{change(0, 1, "FIN_WAIT2"), change(us, 100, "LAST_ACK"), change(2*us, 1, "TIME_WAIT")},
			[]string{"0s server [FIN_WAIT2 > TIME_WAIT 80>1]", "1µs client [LAST_ACK 80>100]"},
		},
		"three sockets": {
			[]row{change(0, 1, "CLOSED"), change(0, 2, "CLOSED"), change(0, 3, "CLOSED")},
			[]string{"0s server [CLOSED 80>1]", "0s server [CLOSED 80>2]", "0s server [CLOSED 80>3]"},
		},
		"four sockets, and one of the other side": {
			[]row{change(0, 1, "CLOSED"), change(0, 2, "CLOSED"), change(0, 100, "CLOSED"), change(0, 3, "CLOSED"), change(0, 4, "CLOSED")},
			[]string{"0s server [CLOSED 4 sockets]", "0s client [CLOSED 80>100]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range joinChanges(test.rows) {
				got = append(got, fmt.Sprint(r.at, " ", r.host, " ", r.text))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// States that no look saw are drawn where packets and steps prove them.
func TestAShortConnectionIsDrawnWithoutALook(t *testing.T) {
	s := &language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}
	l := newLab(t, false)
	us := time.Microsecond
	l.pass(0, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 10}))
	l.pass(100*us, 0, "server", l.tcp(seg{from: "server", flags: "SA", seq: 50, ack: 11}))
	l.pass(200*us, 0, "client", l.tcp(seg{from: "client", flags: "A", seq: 11, ack: 51}))
	l.pass(300*us, 0, "client", l.tcp(seg{from: "client", flags: "RA", seq: 11, ack: 51}))
	ladder := Ladder(s, l.end(50*ms), LadderOptions{})
	var got []string
	for _, line := range strings.Split(ladder, "\n") {
		if i := strings.IndexByte(line, '['); i >= 0 {
			got = append(got, line[i:strings.IndexByte(line, ']')+1])
		}
	}
	// The last ACK may have come while the accept queue was full.
	want := []string{"[SYN_SENT]", "[SYN_RECV]", "[ESTABLISHED]", "[ESTABLISHED?]", "[CLOSED]", "[CLOSED]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s\n%s", diff, ladder)
	}
}
