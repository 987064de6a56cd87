package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// The numbers of a segment are shown where they say something, and what is new is not called old.
func TestWordsOfSegments(t *testing.T) {
	handshake := []seg{
		{from: "client", flags: "S", seq: 1000, win: 64240},
		{from: "server", flags: "SA", seq: 5000, ack: 1001, win: 65160},
		{from: "client", flags: "A", seq: 1001, ack: 5001, win: 502},
	}
	after := func(more ...seg) []seg { return append(handshake[:3:3], more...) }
	for name, test := range map[string]struct {
		segments []seg
		// lost is the index of a segment that is lost on the wire, -1 for none.
		lost int
		want []string
	}{
		"a handshake": {handshake, -1, []string{
			"SYN seq=0 win=64240 mss=1460", "SYN-ACK seq=0 ack=1 win=65160 mss=1460", "ACK ack=1 win=502",
		}},
		"an ACK and a RST far off": {after(
			seg{from: "client", flags: "A", seq: 1001001, ack: 5001, win: 502},
			seg{from: "client", flags: "R", seq: 1001001},
			seg{from: "client", flags: "A", seq: 1001, ack: 5001, win: 502},
		), -1, []string{"ACK seq=1000001 ack=1 win=502", "RST seq=1000001", "ACK ack=1 win=502"}},
		"data after a gap does not move the next number": {after(
			seg{from: "client", flags: "PA", seq: 2001, ack: 5001, win: 502, data: "x"},
			seg{from: "client", flags: "A", seq: 1001, ack: 5001, win: 502},
			seg{from: "client", flags: "A", seq: 2002, ack: 5001, win: 502},
		), -1, []string{"DATA seq=1001 ack=1 len=1 PSH win=502", "ACK ack=1 win=502", "ACK seq=1002 ack=1 win=502"}},
		"a probe of a silent peer": {after(
			seg{from: "client", flags: "PA", seq: 1001, ack: 5001, win: 502, data: "hello"},
			seg{from: "server", flags: "A", seq: 5001, ack: 1006, win: 509},
			seg{from: "client", flags: "A", seq: 1005, ack: 5001, win: 502},
			seg{from: "server", flags: "A", seq: 5001, ack: 1006, win: 509},
		), -1, []string{
			"DATA seq=1 ack=1 len=5 PSH win=502", "ACK ack=6 win=509", "ACK probe seq=5 ack=1 win=502", "ACK ack=6 win=509",
		}},
		"a probe with a byte": {after(
			seg{from: "client", flags: "A", seq: 1000, ack: 5001, win: 502, data: "x"},
			seg{from: "client", flags: "A", seq: 1000, ack: 5001, win: 502, data: "x"},
		), -1, []string{"DATA probe seq=0 ack=1 len=1 win=502", "DATA again seq=0 ack=1 len=1 win=502"}},
		"a byte sent again is no probe": {after(
			seg{from: "client", flags: "PA", seq: 1001, ack: 5001, win: 502, data: "x"},
			seg{from: "client", flags: "PA", seq: 1001, ack: 5001, win: 502, data: "x"},
		), 3, []string{"DATA seq=1 ack=1 len=1 PSH win=502", "DATA again seq=1 ack=1 len=1 PSH win=502"}},
		"an answer at the end of a window taken back is no probe": {after(
			seg{from: "server", flags: "A", seq: 5001, ack: 1001, win: 0},
			seg{from: "client", flags: "FA", seq: 1001, ack: 5001, win: 502},
			seg{from: "server", flags: "PA", seq: 5001, ack: 1001, win: 0, data: "x"},
			seg{from: "client", flags: "A", seq: 1001, ack: 5002, win: 502},
		), 4, []string{
			"ACK ack=1 win=0", "FIN seq=1 ack=1 win=502", "DATA seq=1 ack=1 len=1 PSH win=0", "ACK seq=1 ack=2 win=502",
		}},
		"a FIN after lost data": {after(
			seg{from: "client", flags: "PA", seq: 1001, ack: 5001, win: 502, data: "hello"},
			seg{from: "client", flags: "FA", seq: 1006, ack: 5001, win: 502},
		), 3, []string{"DATA seq=1 ack=1 len=5 PSH win=502", "FIN seq=6 ack=1 win=502"}},
		"the first FIN on data that is sent again": {after(
			seg{from: "client", flags: "PA", seq: 1001, ack: 5001, win: 502, data: "hello"},
			seg{from: "client", flags: "FPA", seq: 1001, ack: 5001, win: 502, data: "hello"},
			seg{from: "client", flags: "FPA", seq: 1001, ack: 5001, win: 502, data: "hello"},
		), 3, []string{
			"DATA seq=1 ack=1 len=5 PSH win=502", "FIN seq=1 ack=1 len=5 again PSH win=502", "FIN again seq=1 ack=1 len=5 PSH win=502",
		}},
		"a simultaneous open": {[]seg{
			{from: "client", flags: "S", seq: 1000},
			{from: "server", flags: "S", seq: 5000},
			{from: "client", flags: "SA", seq: 1000, ack: 5001},
			{from: "server", flags: "SA", seq: 5000, ack: 1001},
		}, -1, []string{
			"SYN seq=0 win=0 mss=1460", "SYN seq=0 win=0 mss=1460", "SYN-ACK seq=0 ack=1 win=0 mss=1460", "SYN-ACK seq=0 ack=1 win=0 mss=1460",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, false)
			for i, s := range test.segments {
				if i == test.lost {
					l.lose(time.Duration(i)*ms, s.from, l.tcp(s))
				} else {
					l.pass(time.Duration(i)*ms, 0, s.from, l.tcp(s))
				}
			}
			labels := newLabeler()
			var got []string
			for _, j := range allJourneys(&language.Scenario{}, l.end(time.Second)) {
				got = append(got, strings.Join(labels.words(j), " "))
			}
			if diff := cmp.Diff(test.want, got[len(got)-len(test.want):]); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}
