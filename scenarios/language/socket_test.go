package language

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatesAreUnderstoodByTheNamesThatToolsPrint(t *testing.T) {
	for tool, printed := range map[string][]string{
		"ss": {
			"ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT",
			"LAST-ACK", "LISTEN", "CLOSING",
		},
		"ss state": {
			"established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait", "unconnected",
			"close-wait", "last-ack", "listening", "closing",
		},
		"netstat": {
			"ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
			"LAST_ACK", "LISTEN", "CLOSING",
		},
		"netstat of other systems": {
			"ESTABLISHED", "SYN_SENT", "SYN_RCVD", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
			"LAST_ACK", "LISTENING", "CLOSING",
		},
		"RFC 9293": {
			"ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "close",
			"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
		},
	} {
		t.Run(tool, func(t *testing.T) {
			got := make([]State, len(printed))
			for i, name := range printed {
				if err := got[i].Set(name); err != nil {
					t.Error(err)
				}
			}
			want := []State{
				Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, Unbound, CloseWait, LastAck, Listening,
				Closing,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheSchemaTakesStatesByAnyName(t *testing.T) {
	schema := loadSchema(t)
	for name, ok := range map[string]bool{
		"SYN_SENT": true, "syn-sent": true, "Estab": true, "UNCONN": true, "TIMEWAIT": true, "CLOSED": true,
		"SYN": false, "TIME-WAITS": false,
	} {
		if problem := conforms(schema, map[string]any{"$ref": "#/$defs/State"}, name); (problem == "") != ok {
			t.Errorf("%s: %q", name, problem)
		}
	}
}

func TestStatesAndErrorsGetOneName(t *testing.T) {
	s := mustExpand(t, skeleton+`
actors: {client: [{connect: "server:80"}]}
expect:
  - {step: client.connect, error: EOPNOTSUPP}
  - {reaches: {host: client, state: [syn-sent, ESTAB]}}
  - {path: {host: client}, states: [SYN-SENT, Closed]}
`, nil)[0]
	want := []string{
		"client.connect: ENOTSUP",
		"reaches: client in SYN_SENT or ESTABLISHED",
		"path of client: SYN_SENT > CLOSED",
	}
	var got []string
	for i := range s.Expect {
		got = append(got, s.Expect[i].String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
