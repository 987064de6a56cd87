package assertions

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// However stays overlap, the sockets counted in the order of time are those that are there on all of
// their paths when each is looked at alone.
func TestSocketsAreCountedAsEachIsSeen(t *testing.T) {
	const last = 40
	r := rand.New(rand.NewPCG(1, 2))
	most := int64(0)
	for round := range 300 {
		all := make([]counted, r.IntN(5))
		for i := range all {
			all[i] = make(counted, r.IntN(3))
			for path := range all[i] {
				all[i][path] = randomStays(r, last)
			}
		}
		count := surelyThere(all)
		for at := range time.Duration(last + 5) {
			want := int64(0)
			for _, c := range all {
				if there, _ := c.at(at); there.always() {
					want++
				}
			}
			if got := count(at); got != want {
				t.Fatalf("round %d: %d sockets at %d, want %d of %+v", round, got, at, want, all)
			}
			most = max(most, want)
		}
	}
	if most < 3 {
		t.Errorf("at most %d sockets at once: the test shows little", most)
	}
}

// randomStays returns stays one after the other, as on a path. Some end when the next begins.
func randomStays(r *rand.Rand, last int) (stays []countedStay) {
	for at := r.IntN(last / 2); at < last; {
		s := stay{unknown: r.IntN(6) == 0}
		s.earliest = time.Duration(at)
		s.from = s.earliest + time.Duration(r.IntN(3))
		s.lasting = s.from + time.Duration(r.IntN(8)-1)
		s.to = max(s.lasting, s.from) + time.Duration(r.IntN(4))
		s.open = r.IntN(8) == 0
		sharp := s
		if r.IntN(2) == 0 {
			sharp.earliest, sharp.lasting = s.from, s.to
		}
		stays = append(stays, countedStay{s, sharp})
		if s.open {
			break
		}
		at = int(s.to) + r.IntN(3)
	}
	return stays
}

// A wrong number of thousands of sockets is judged at once, with all the moments at which it would
// have been right.
func TestThousandsOfSocketsAreJudgedAtOnce(t *testing.T) {
	const sockets = 3000
	s := lab(t, connecting, `
- {sockets: {host: client, remote: 8080, state: TIME_WAIT}, count: '> 3000', when: client.connect}
`)
	p := newTape()
	for n := range sockets {
		began, local := time.Duration(n)*10*time.Microsecond, fmt.Sprintf("%s:%d", clientAddr, 10000+n)
		for i, state := range []string{"SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"} {
			p.socket(began+time.Duration(i)*time.Microsecond, "client", local, serverAddr+":8080", state)
		}
	}
	p.step("client.connect", 0, 100*time.Millisecond, nil)
	tr := p.end(110*time.Millisecond, "done")
	began := time.Now()
	v := Check(s, tr)[0]
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("judging %d sockets took %s", sockets, took)
	}
	if v.Status != Fail || v.Got != "3000 sockets" {
		t.Errorf("%s: wanted %s, saw %s", v.Status, v.Want, v.Got)
	}
}
