package observe

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

// sock is a socket between fixed addresses.
func sock(cookie uint64, state uint8) socket {
	return socket{
		cookie: cookie, state: state,
		local: netip.MustParseAddrPort("[2001:2::1]:8080"), remote: netip.MustParseAddrPort("[2001:2::2]:40000"),
	}
}

func TestChanges(t *testing.T) {
	listener := sock(9, 10)
	listener.remote = netip.MustParseAddrPort("[::]:0")
	queued := listener
	queued.recvQ = 1
	ticking := sock(1, 1)
	ticking.expires, ticking.info = 3*time.Second, tcpInfo{ok: true, rtt: 5}
	retransmitted := sock(1, 1)
	retransmitted.info.totalRetrans = 1

	for _, c := range []struct {
		name  string
		dumps [][]socket
		want  []string
	}{
		{
			"a connection from request to its end",
			[][]socket{{sock(1, stateNewSynRecv)}, {sock(1, 1)}, {sock(1, 6)}, {}},
			[]string{"0 #1 SYN_RECV", "1 #1 ESTABLISHED", "2 #1 TIME_WAIT", "3 #1 CLOSED"},
		},
		{"nothing changes", [][]socket{{sock(1, 1)}, {sock(1, 1)}}, []string{"0 #1 ESTABLISHED"}},
		{"clocks do not count", [][]socket{{sock(1, 1)}, {ticking}}, []string{"0 #1 ESTABLISHED"}},
		{
			"an answered retransmission counts",
			[][]socket{{sock(1, 1)}, {retransmitted}},
			[]string{"0 #1 ESTABLISHED", "1 #1 ESTABLISHED"},
		},
		{
			"a listener's queue",
			[][]socket{{listener}, {queued}, {listener}, {}},
			[]string{"0 #9 LISTEN", "1 #9 LISTEN 1", "2 #9 LISTEN", "3 #9 CLOSED"},
		},
		{
			"the ports are used again at once",
			[][]socket{{sock(1, 6)}, {sock(2, 2)}},
			[]string{"0 #1 TIME_WAIT", "1 #1 CLOSED", "1 #2 SYN_SENT"},
		},
		{
			"the next on the same ports is in the same state",
			[][]socket{{sock(1, 1)}, {sock(2, 1)}, {}},
			[]string{"0 #1 ESTABLISHED", "1 #1 CLOSED", "1 #2 ESTABLISHED", "2 #2 CLOSED"},
		},
		{
			"two at once, the later goes",
			[][]socket{{sock(1, 6)}, {sock(1, 6), sock(2, stateNewSynRecv)}, {sock(1, 6)}, {}},
			[]string{"0 #1 TIME_WAIT", "1 #2 SYN_RECV", "2 #2 CLOSED", "3 #1 CLOSED"},
		},
		{
			"two at once, the earlier goes",
			[][]socket{{sock(1, 6), sock(2, 2)}, {sock(2, 2)}, {}},
			[]string{"0 #1 TIME_WAIT", "0 #2 SYN_SENT", "1 #1 CLOSED", "2 #2 CLOSED"},
		},
		{
			"a pair goes together",
			[][]socket{{sock(1, 10), sock(2, 10)}, {}},
			[]string{"0 #1 LISTEN", "0 #2 LISTEN", "1 #1 CLOSED", "1 #2 CLOSED"},
		},
		{
			"met twice in a dump",
			[][]socket{{sock(1, 1), sock(1, 1)}, {}},
			[]string{"0 #1 ESTABLISHED", "1 #1 CLOSED"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			changes := newChanges("server")
			for i, d := range c.dumps {
				changes.dump(time.Duration(i), 0, d, func(e trace.Event) {
					s := fmt.Sprintf("%d #%d %s", e.T, e.Socket.Cookie, e.Socket.State)
					if e.Socket.RecvQ > 0 {
						s += fmt.Sprintf(" %d", e.Socket.RecvQ)
					}
					if e.Socket.Host != "server" || e.Socket.Local != "[2001:2::1]:8080" {
						t.Errorf("event of %s %s", e.Socket.Host, e.Socket.Local)
					}
					got = append(got, s)
				})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleAfterLongQuiet(t *testing.T) {
	s := schedule{}
	s.did(64*time.Second, 0)
	if got, want := s.next(), 72*time.Second; got != want {
		t.Errorf("after 64 s of quiet the next sample comes at %s, want %s", got, want)
	}
	s.timer(30 * time.Second)
	s.timer(500 * time.Millisecond)
	if got, want := s.next(), 64*time.Second+500*time.Millisecond+late; got != want {
		t.Errorf("with a timer that fires after 500 ms it comes at %s, want %s", got, want)
	}
	s.did(65*time.Second, 0)
	if got, want := s.next(), 65*time.Second+65*time.Second/patience; got != want {
		t.Errorf("after the timer it comes at %s, want %s", got, want)
	}
}

// While something waits for a state, looks come as often as their cost allows, with or without packets.
func TestScheduleWhileAStateIsWaitedFor(t *testing.T) {
	s := schedule{often: true, exact: true, packet: -quiet, sampled: -quiet}
	for _, tt := range []struct{ cost, want time.Duration }{
		{10 * time.Microsecond, closest}, {200 * time.Microsecond, 4 * time.Millisecond},
	} {
		s.did(time.Second, tt.cost)
		if got := s.next() - time.Second; got != tt.want {
			t.Errorf("after a look that cost %v the next comes after %v, want %v", tt.cost, got, tt.want)
		}
	}
	if s.often = false; s.next() < 2*time.Second {
		t.Errorf("the next look comes at %v though nothing waits", s.next())
	}
}

func TestExactScheduleLooksBeforeAndAfterATimer(t *testing.T) {
	const sec = time.Second
	s := schedule{exact: true}
	s.did(64*sec, 0)
	if got, want := s.next(), 96*sec; got != want {
		t.Errorf("after 64 s of quiet the next sample comes at %s, want %s", got, want)
	}
	expires := 70 * sec
	for _, want := range []time.Duration{expires - late, expires + late, expires + 2*late} {
		s.timer(max(expires-s.sampled, 0))
		if got := s.next(); got != want {
			t.Fatalf("after a sample at %s the next one comes at %s, want %s", s.sampled, got, want)
		}
		s.did(want, 0)
	}
}

// A keepalive of 7200 s fires up to 900 s late.
func TestScheduleWhileATimerIsOverdue(t *testing.T) {
	s := schedule{}
	s.did(7100*time.Second, 0)
	s.timer(100 * time.Second)
	samples := 0
	for s.next() < 7245*time.Second {
		at := s.next()
		if after := s.sampled - 7200*time.Second; after > 0 && at-s.sampled > max(late, after/overdue) {
			t.Fatalf("%s after the timer should have fired, the next sample comes only %s later", after, at-s.sampled)
		}
		s.did(at, 0)
		s.timer(max(7200*time.Second-at, 0))
		samples++
	}
	if samples < 20 || samples > 200 {
		t.Errorf("%d samples while a timer was 45 s overdue, want some dozens", samples)
	}
	s.did(7245*time.Second, 0)
	s.timer(75 * time.Second)
	if got, want := s.next(), 7320*time.Second+late; got != want {
		t.Errorf("with a new timer the next comes at %s, want %s", got, want)
	}
}

func TestASocketOnItsWayOutIsNotSeen(t *testing.T) {
	const lastACK = 9
	for _, state := range []uint8{stateClose, lastACK} {
		leaving := sock(1, state)
		leaving.local = netip.MustParseAddrPort("[2001:2::1]:0")
		var got []string
		changes := newChanges("client")
		for i, d := range [][]socket{{sock(1, 4)}, {leaving}, {sock(2, 5)}, {leaving}} {
			changes.dump(time.Duration(i), 0, d, func(e trace.Event) {
				got = append(got, fmt.Sprintf("%d #%d %s %s", e.T, e.Socket.Cookie, e.Socket.Local, e.Socket.State))
			})
		}
		want := []string{
			"0 #1 [2001:2::1]:8080 FIN_WAIT1",
			"2 #1 [2001:2::1]:8080 CLOSED", "2 #2 [2001:2::1]:8080 FIN_WAIT2",
			"3 #2 [2001:2::1]:8080 CLOSED",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in state %d: events (-want +got):\n%s", state, diff)
		}
	}
}

func TestSchedule(t *testing.T) {
	const ms = time.Millisecond
	// run returns when samples begin, each taking cost, with packets at the times given.
	run := func(until, cost time.Duration, packets ...time.Duration) (samples []time.Duration) {
		s := schedule{packet: -quiet, sampled: -quiet}
		s.did(0, cost)
		for {
			next := s.next()
			if len(packets) > 0 && packets[0] <= next {
				s.saw(packets[0])
				packets = packets[1:]
				continue
			}
			if next > until {
				return samples
			}
			samples = append(samples, next)
			s.did(next, cost)
		}
	}
	for _, c := range []struct {
		name    string
		until   time.Duration
		cost    time.Duration
		packets []time.Duration
		want    []time.Duration
	}{
		{"quiet", 600 * ms, 0, nil, []time.Duration{250 * ms, 531250 * time.Microsecond}},
		{
			"after a packet", 110 * ms, 0,
			[]time.Duration{50 * ms},
			[]time.Duration{50 * ms, 51 * ms, 52 * ms, 55 * ms, 60 * ms, 70 * ms, 95 * ms},
		},
		{
			"packets without end", 54 * ms, 0,
			[]time.Duration{50 * ms, 50*ms + 100, 50*ms + 200, 51*ms + 100, 52*ms + 100, 53*ms + 100},
			[]time.Duration{50 * ms, 51 * ms, 52 * ms, 53 * ms, 54 * ms},
		},
		{"samples that cost much in quiet", time.Second, ms, nil, []time.Duration{500 * ms, time.Second}},
		{"samples that cost much", 60 * ms, ms / 5, []time.Duration{50 * ms}, []time.Duration{50 * ms, 54 * ms, 58 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, run(c.until, c.cost, c.packets...)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("exact after a packet", func(t *testing.T) {
		s := schedule{exact: true, packet: -quiet, sampled: -quiet}
		s.saw(0)
		var got []time.Duration
		for at := s.next(); at <= 6*time.Second; at = s.next() {
			got = append(got, at)
			s.did(at, 0)
		}
		if diff := cmp.Diff([]time.Duration{0, 5 * ms, 20 * ms, 45 * ms, 70 * ms, 105 * ms}, got[:6]); diff != "" {
			t.Errorf("first samples (-want +got):\n%s", diff)
		}
		for i := 6; i < len(got); i++ {
			if gap := got[i] - got[i-1]; gap != got[i-1]/exactPatience && gap != exactFar {
				t.Errorf("a sample at %s comes %s after the one before", got[i], gap)
			}
		}
		if n := len(got); n > 16 {
			t.Errorf("%d samples in 6 s, want at most 16", n)
		}
	})
	t.Run("far apart 2 s after a packet", func(t *testing.T) {
		samples := run(3*time.Second, 0, time.Millisecond)
		if last := samples[len(samples)-1] - samples[len(samples)-2]; last < far || last > 3*time.Second/patience {
			t.Errorf("samples are %v apart", last)
		}
		if n := len(samples); n < 30 || n > 50 {
			t.Errorf("%d samples in 3 s", n)
		}
	})
}
