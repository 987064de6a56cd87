//go:build amd64 || arm64

package tracepoint

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// A host is flooded with SYNs while events are not taken: memory stays bounded, what is lost is
// counted, and another host's events are not touched.
func TestFlood(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	const count = 100_000
	l := newLab(t, language.V4)
	client, server := l.hosts["client"], l.hosts["server"]
	l.end()

	var blocked bool
	release := make(chan struct{})
	events := map[Kind]uint64{}
	watch, err := l.view.Watch(inode(t, server.ns), func(e Event) {
		if !blocked {
			blocked = true
			<-release
		}
		events[e.Kind()]++
	})
	l.try(err)
	before := memory(t)
	segments := server.counter("InSegs")
	flood(t, client, server, count)
	segments = server.counter("InSegs") - segments
	if segments < count/2 {
		t.Fatalf("of %d SYNs %d came", count, segments)
	}

	// The other host's events have room.
	quiet, err := l.view.Watch(inode(t, client.ns), client.record)
	l.try(err)
	client.listen(7)
	conn, err := client.dial(client, 7)
	l.try(err)
	active := cookie(t, conn)
	close(release)
	lostOfQuiet, err := quiet.Stop()
	l.try(err)
	if got, want := life(t, client.seen(), active), "CLOSE > SYN_SENT > ESTABLISHED"; got != want {
		t.Errorf("the other host's socket goes %s, want %s", got, want)
	}
	if lostOfQuiet.Total() != 0 {
		t.Errorf("of the other host, events were lost: %v", lostOfQuiet)
	}

	lost, err := watch.Stop()
	l.try(err)
	if got := events[KindDrop] + lost[KindDrop]; got < segments {
		t.Errorf("%d drops were reported and %d lost, want %d",
			events[KindDrop], lost[KindDrop], segments)
	}
	if lost[KindDrop] == 0 {
		t.Error("no drop was lost: the test proves nothing")
	}
	if grown := memory(t) - before; grown > 32<<20 {
		t.Errorf("the process has grown by %d MiB", grown>>20)
	}
	t.Logf("%d segments, reported %v, lost %v", segments, events, lost)
}

// flood sends SYNs to port 9 of the server.
func flood(t testing.TB, client, server *host, count int) {
	t.Helper()
	packet := syn(client.addr, server.addr, 9, true)
	client.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := &unix.SockaddrInet4{Addr: server.addr.As4()}
		for range count {
			if err := unix.Sendto(fd, packet, 0, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// counter returns a counter of the host's TCP, from /proc/net/snmp.
func (h *host) counter(name string) (value uint64) {
	h.t.Helper()
	h.do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			switch {
			case fields[0] != "Tcp:":
			case names == nil:
				names = fields
			default:
				for i, n := range names {
					if n == name {
						_, err := fmt.Sscan(fields[i], &value)
						return err
					}
				}
			}
		}
		return fmt.Errorf("there is no counter %s", name)
	})
	return value
}

// memory returns how much memory the process has, garbage left out.
func memory(t testing.TB) int64 {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	try(t, err)
	var size, resident int64
	_, err = fmt.Sscan(string(text), &size, &resident)
	try(t, err)
	return resident * int64(os.Getpagesize())
}

// What is not understood may have been an event of any namespace.
func TestARecordThatIsNotUnderstoodIsAnErrorOfEachWatch(t *testing.T) {
	needView(t)
	view, err := Open()
	try(t, err)
	var watches []*Watch
	for _, ns := range []uint64{1, 2} { // no namespaces have these inodes
		w, err := view.Watch(ns, func(Event) {})
		try(t, err)
		watches = append(watches, w)
	}
	view.fail(view.deliver(make([]byte, 3)))
	const want = "reading the events of tracepoints: a record of 3 bytes: " +
		"want a tracepoint.bpfHead of 64"
	for _, w := range watches {
		if _, err := w.Stop(); err == nil || err.Error() != want {
			t.Errorf("Stop returns %v, want %s", err, want)
		}
	}
	if err := view.Close(); err == nil || err.Error() != want {
		t.Errorf("Close returns %v, want %s", err, want)
	}
}

// The watches of a lab end together, and their namespaces and slots are free again.
func TestWatchesAreStoppedTogether(t *testing.T) {
	needView(t)
	view, err := Open()
	try(t, err)
	defer view.Close()
	free := len(view.free)
	for range 2 {
		var watches []*Watch
		for _, ns := range []uint64{1, 2, 3} { // no namespaces have these inodes
			w, err := view.Watch(ns, func(Event) {})
			try(t, err)
			watches = append(watches, w)
		}
		if _, err := watches[1].Stop(); err != nil {
			t.Errorf("stopping one: %v", err)
		}
		lost, err := view.Stop(watches...)
		if diff := cmp.Diff(make([]Lost, 3), lost); diff != "" || err != nil {
			t.Errorf("Stop returns %v, %v", lost, err)
		}
		if len(view.watches) != 0 || len(view.free) != free {
			t.Errorf("%d watches and %d free slots are left, want 0 and %d",
				len(view.watches), len(view.free), free)
		}
	}
}

// A program may write a record after the last look at the ring. Its slot has another watch by then,
// whose account must not change.
func TestARecordAfterTheEndOfItsWatchIsLeftOut(t *testing.T) {
	const ns, slot, account = 7, 1, 1000
	w := &Watch{ns: ns, slot: slot, taken: 500, emit: func(e Event) { t.Errorf("reported: %v", e) }}
	w.view = &View{watches: map[uint32]*Watch{ns: w}, taken: []uint64{slot: account}}
	w.stop()
	record := bytesOf(&bpfReset{Head: bpfHead{Netns: ns, Kind: uint8(KindReset)}})
	try(t, w.view.deliver(record))
	if got := w.view.taken[slot]; got != account {
		t.Errorf("the account of the slot is %d, want %d", got, account)
	}
}
