package fault

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/inject/internal/queue"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// datagrams sends numbered datagrams from the client through the wire, and watches them pass.
type datagrams struct {
	*tap
	ends [2]netip.Addr
	raw  int
	sent []*sample
}

func newDatagrams(t *testing.T, f language.Family, faults string) *datagrams {
	t.Helper()
	d := &datagrams{tap: newTap(newLabOf(t, f, faults))}
	for i, host := range []string{"client", "server"} {
		d.ends[i] = d.addrs[host][0]
		d.mute(host, f)
	}
	d.raw = d.lab.raw("client", f)
	d.knows = func(number int, packet []byte) bool {
		return number < len(d.sent) && d.sent[number].differs(packet) == ""
	}
	// Once a packet has been stamped on its way, the next hop is known and the kernel stamps
	// packets.
	for stamped := false; !stamped; {
		d.send(9)
		_, _ = unix.Poll(nil, 2)
		stamped = d.read() && d.has(len(d.sent)-1)
	}
	return d
}

// send sends the next datagram to a port of the server, and returns its number.
func (d *datagrams) send(port uint16) int {
	d.t.Helper()
	s := &sample{number: len(d.sent), from: d.ends[0], to: d.ends[1], proto: "udp", sport: 5000, dport: port, ttl: 64, payload: []byte("x")}
	to, _ := sockaddr(netip.AddrPortFrom(s.to, 0))
	b := s.bytes()
	s.ttl-- // as seen after the wire
	d.sent = append(d.sent, s)
	d.try(unix.Sendto(d.raw, b, 0, to))
	return s.number
}

func (d *datagrams) has(number int) bool {
	return slices.ContainsFunc(d.seen, func(p passing) bool { return p.number == number })
}

// left returns when a datagram left the wire, and its place in the order of departures.
func (d *datagrams) left(number int) (time.Duration, int) {
	d.t.Helper()
	if !d.until(func() bool { return d.has(number) }) {
		d.t.Fatalf("datagram %d has not left the wire in %v", number, patience)
	}
	i := slices.IndexFunc(d.seen, func(p passing) bool { return p.number == number })
	return d.seen[i].at, i
}

func (d *datagrams) struck(fault string, hits uint64) {
	d.t.Helper()
	if !d.until(func() bool { return d.hits(fault) >= hits }) || d.hits(fault) != hits {
		d.t.Fatalf("%s has %d hits, want %d", fault, d.hits(fault), hits)
	}
}

// A packet that a fault delays keeps waiting when the fault is removed, and leaves at its time and
// in order. Other faults are not affected.
func TestTakingAFaultAwayDisturbsNothing(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			d := newDatagrams(t, f, `
  slow: {match: {udp: any, dport: 7}, do: {delay: 300ms}}
  held: {match: {udp: any, dport: 8}, do: {hold: client.connect}}
  some: {match: {udp: any, dport: 80}, nth: [2, 4], do: drop}`)
			for _, fault := range []string{"slow", "held", "some"} {
				d.on(fault)
			}
			began := realtime()
			var waiting, held []int
			for range 5 {
				waiting, held = append(waiting, d.send(7)), append(held, d.send(8))
			}
			d.struck("slow", 5)
			d.struck("held", 5)
			first := d.send(80)
			d.off("slow")
			d.off("held")
			at, atOnce := d.left(d.send(7))
			if at-began >= 300*time.Millisecond {
				t.Skipf("this machine took %v to come here", at-began)
			}
			second, third, fourth := d.send(80), d.send(80), d.send(80)
			d.struck("some", 2)
			d.left(first)
			d.left(third)
			last := atOnce
			for _, n := range waiting {
				at, place := d.left(n)
				if at-began < 300*time.Millisecond {
					t.Errorf("datagram %d left after %v, want 300ms", n, at-began)
				}
				if place < last {
					t.Errorf("datagram %d left before one that came before it", n)
				}
				last = place
			}
			for _, n := range append(held, second, fourth) {
				if d.has(n) {
					t.Errorf("datagram %d has left the wire", n)
				}
			}
			// The event releases the held ones, although the fault is gone.
			d.faults.Happened("client.connect")
			for _, n := range held {
				_, place := d.left(n)
				if place < last {
					t.Errorf("datagram %d left before one that came before it", n)
				}
				last = place
			}
			d.off("some")
			d.left(d.send(80))
		})
	}
}

// ownerEnv makes a process the owner of a queue that waits to be killed.
const ownerEnv = "HALFOPEN_TEST_OWNER"

// here is the network namespace of the process.
type here struct{}

func (here) Do(f func() error) error { return f() }

// TestQueueOwner is not a test but the process that TestKillingTheOwnerLetsPacketsPass kills.
func TestQueueOwner(t *testing.T) {
	if os.Getenv(ownerEnv) == "" {
		t.Skip("it is a part of TestKillingTheOwnerLetsPacketsPass")
	}
	at := queue.Hook{Host: language.Wire, Chain: "FORWARD"}
	rule := &queue.Rule{Fault: "silence", Hooks: []queue.Hook{at}, Match: language.Selector{TCP: language.Kinds{language.AnySegment}}, Do: language.Action{Drop: &language.Drop{}}}
	e, err := queue.NewEngine([]*queue.Rule{rule}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	e.Set("silence", true)
	_, err = queue.Open(queue.Config{
		Host: language.Wire, Namespace: here{}, Engine: e, Now: realtime,
		Struck: func(string, queue.Strike) { os.Stdout.WriteString("struck\n") },
		Failed: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

// The rule of a queue lets packets pass once nobody reads the queue, however its owner ended.
func TestKillingTheOwnerLetsPacketsPass(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLabOf(t, f, `{unused: {match: {tcp: any}, do: drop}}`)
			l.listen("server:7")
			l.sh("wire", program(f)+" -w -t mangle -A FORWARD "+quoteAll((&QueueRule{Family: f}).Spec()))
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Fatalf("with no owner yet: connect: %v", err)
			}
			owner := exec.Command("/proc/self/exe", "-test.run=^TestQueueOwner$")
			owner.Env = append(os.Environ(), ownerEnv+"=1")
			out, err := owner.StdoutPipe()
			l.try(err)
			owner.Stderr = os.Stderr
			l.do("wire", owner.Start) // in the wire's namespace
			lines := bufio.NewScanner(out)
			say := func(want string) {
				t.Helper()
				for lines.Scan() {
					if lines.Text() == want {
						return
					}
				}
				t.Fatalf("the owner ended without a word of %q: %v", want, lines.Err())
			}
			say("ready")
			if err := l.connect("client", "server:7", 500*time.Millisecond); !errors.Is(err, unix.EINPROGRESS) {
				t.Errorf("with an owner that drops: connect: %v, want EINPROGRESS", err)
			}
			say("struck")
			// A connection attempt is running when the owner dies: its next SYN passes.
			tried := make(chan error, 1)
			go func() { tried <- l.connect("client", "server:7", patience) }()
			say("struck")
			l.try(owner.Process.Kill())
			var killed *exec.ExitError
			if err := owner.Wait(); !errors.As(err, &killed) {
				t.Fatalf("the owner ended by itself: %v", err)
			}
			if err := <-tried; err != nil {
				t.Errorf("begun before the owner died: connect: %v", err)
			}
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Errorf("begun after the owner died: connect: %v", err)
			}
		})
	}
}
