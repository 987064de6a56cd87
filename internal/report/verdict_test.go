package report

import (
	"strings"
	"testing"
	"time"

	"halfopen/scenarios/language"
)

// Below a failed check the ladder has the order and the times of the end that judged, and a mark at
// the packet at which the check failed.
func TestTheLadderOfAVerdictIsSeenByWhoJudged(t *testing.T) {
	s := &language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}}
	l := newLab(t, false)
	l.pass(0, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 0}))
	l.pass(ms, 50*ms, "server", l.tcp(seg{from: "server", flags: "SA", seq: 0, ack: 1}))
	l.pass(2*ms, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 0}))
	tr := l.end(time.Second)
	for host, failedAt := range map[string]int{"client": 1, "server": 2} {
		t.Run(host, func(t *testing.T) {
			only := seenBy(tr, host)
			golden(t, "ladder-seen-by-"+host, Ladder(s, tr, LadderOptions{Only: only, Mark: only[failedAt:][:1]}))
		})
	}
}

// However many packets a verdict is about, the one at which it failed is drawn with its neighbours.
func TestAMarkedPacketIsNeverLeftOut(t *testing.T) {
	s, tr := bulk(t, 200)
	only := seenBy(tr, "client")
	for _, n := range []int{0, 1, 50, 200, 300, len(only) - 1} {
		got := Ladder(s, tr, LadderOptions{Only: only, Mark: []int{only[n], only[(n+100)%len(only)]}, MaxRows: 24})
		rows := strings.Split(strings.TrimSuffix(got, "\n"), "\n")[1:]
		if marks := strings.Count(got, " ! │"); marks != 2 || len(rows) > 32 || len(rows) < 20 {
			t.Errorf("packet %d: %d marks in %d rows, want 2 in 20 to 32:\n%s", n, marks, len(rows), got)
		}
	}
}
