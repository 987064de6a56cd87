package trace

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAttempts(t *testing.T) {
	const ms = time.Millisecond
	fd := func(n int) *int { return &n }
	// at is a call of a program on a descriptor, from one moment to another.
	at := func(name string, from, to time.Duration, change func(*Call)) Event {
		c := &Call{Host: "client", Actor: "client", Step: "exec", N: 1, PID: 7, Name: name, Began: from, FD: fd(3)}
		if change != nil {
			change(c)
		}
		return Event{T: to, Call: c}
	}
	fails := func(errno string) func(*Call) {
		return func(c *Call) { c.Errno, c.Result = errno, -1 }
	}
	returns := func(n int64) func(*Call) { return func(c *Call) { c.Result = n } }
	soError := func(value string) func(*Call) {
		return func(c *Call) { c.Option, c.Value = "SO_ERROR", value }
	}
	for _, tt := range []struct {
		name   string
		events []Event
		want   []Attempt
	}{
		{
			"a call that blocks",
			[]Event{at("recvfrom", 10*ms, 900*ms, returns(5))},
			[]Attempt{{Call: 0, Then: -1, Ended: 900 * ms, Result: 5}},
		},
		{
			"a connect that does not block, and is connected",
			[]Event{
				at("connect", 10*ms, 11*ms, fails("EINPROGRESS")),
				at("getsockopt", 300*ms, 301*ms, soError("0")),
			},
			[]Attempt{{Call: 0, Then: 1, Ended: 301 * ms}},
		},
		{
			"one that is refused",
			[]Event{
				at("connect", 10*ms, 11*ms, fails("EINPROGRESS")),
				at("getsockopt", 300*ms, 301*ms, soError("ECONNREFUSED")),
			},
			[]Attempt{{Call: 0, Then: 1, Ended: 301 * ms, Result: -1, Errno: "ECONNREFUSED"}},
		},
		{
			"one that is asked about by connect",
			[]Event{
				at("connect", 10*ms, 11*ms, fails("EINPROGRESS")),
				at("connect", 12*ms, 13*ms, fails("EALREADY")),
				at("connect", 40*ms, 41*ms, fails("EISCONN")),
			},
			[]Attempt{{Call: 0, Then: 2, Ended: 41 * ms}},
		},
		{
			"one that is given up",
			[]Event{
				at("connect", 10*ms, 11*ms, fails("EINPROGRESS")),
				at("close", 300*ms, 301*ms, nil),
				at("getsockopt", 400*ms, 401*ms, soError("0")),
			},
			[]Attempt{
				{Call: 0, Then: 1, Ended: 301 * ms, Result: -1, Errno: "EINPROGRESS", Abandoned: true},
				{Call: 1, Then: -1, Ended: 301 * ms},
				{Call: 2, Then: -1, Ended: 401 * ms},
			},
		},
		{
			"a read that waits for data by itself, on one of two sockets",
			[]Event{
				at("read", 10*ms, 11*ms, fails("EAGAIN")),
				at("read", 12*ms, 13*ms, func(c *Call) { c.FD, c.Result = fd(4), 9 }),
				at("read", 50*ms, 51*ms, returns(4)),
				at("read", 60*ms, 61*ms, returns(2)),
			},
			[]Attempt{
				{Call: 0, Then: 2, Ended: 51 * ms, Result: 4},
				{Call: 1, Then: -1, Ended: 13 * ms, Result: 9},
				{Call: 3, Then: -1, Ended: 61 * ms, Result: 2},
			},
		},
		{
			"a timeout of the socket",
			[]Event{
				at("recvfrom", 10*ms, 510*ms, fails("EAGAIN")),
				at("recvfrom", 511*ms, 512*ms, returns(4)),
			},
			[]Attempt{
				{Call: 0, Then: -1, Ended: 510 * ms, Result: -1, Errno: "EAGAIN"},
				{Call: 1, Then: -1, Ended: 512 * ms, Result: 4},
			},
		},
		{
			"waits that the end of the run breaks off",
			[]Event{
				at("read", 10*ms, 11*ms, fails("EAGAIN")),
				at("recvfrom", 20*ms, 900*ms, func(c *Call) { c.Unfinished, c.FD = true, fd(4) }),
				{T: 900 * ms, End: &End{Reason: EndDeadline}},
			},
			[]Attempt{
				{Call: 0, Then: -1, Ended: 900 * ms, Result: -1, Errno: "EAGAIN", Unfinished: true},
				{Call: 1, Then: -1, Ended: 900 * ms, Unfinished: true},
			},
		},
		{
			"two programs with the same descriptor",
			[]Event{
				at("connect", 10*ms, 11*ms, fails("EINPROGRESS")),
				at("getsockopt", 20*ms, 21*ms, func(c *Call) { c.PID, c.Option, c.Value = 8, "SO_ERROR", "0" }),
			},
			[]Attempt{
				{Call: 0, Then: -1, Ended: 11 * ms, Result: -1, Errno: "EINPROGRESS", Unfinished: true},
				{Call: 1, Then: -1, Ended: 21 * ms},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Of(tt.events...).Attempts()); diff != "" {
				t.Errorf("the attempts (-want +got):\n%s", diff)
			}
		})
	}
}
