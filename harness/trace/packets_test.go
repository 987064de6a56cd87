package trace

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// timed is a packet and its time.
type timed struct {
	At time.Duration
	P  Packet
}

func unpack(ps *Packets) (all []timed, err error) {
	err = ps.Each(func(at time.Duration, p *Packet) { all = append(all, timed{at, *p}) })
	return all, err
}

func TestPacketsPassAsTheyWere(t *testing.T) {
	end := &LinkEnd{"client", "eth0"}
	want := []timed{
		{5, Packet{LinkEnd: end, Out: true, Frame: []byte("a frame"), Length: 1514}},
		{3, Packet{LinkEnd: end, Frame: bytes.Repeat([]byte{7}, 300), Length: 300}}, // earlier
		{1 << 50, Packet{LinkEnd: end, Out: true, Frame: []byte{}, Length: 1 << 20}},
	}
	var ps Packets
	for i := range want {
		if !ps.Append(want[i].At, &want[i].P) {
			t.Fatalf("packet %d has no room", i)
		}
	}
	got, err := unpack(&ps)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +got):\n%s", diff)
	}
	if ps.Last != 1<<50 {
		t.Errorf("the last is at %d", ps.Last)
	}
}

func TestPacketsThatHaveNoRoom(t *testing.T) {
	small := func(device string) *Packet {
		return &Packet{LinkEnd: &LinkEnd{"client", device}, Frame: []byte{1}}
	}
	large := &Packet{LinkEnd: &LinkEnd{"client", "eth0"}, Frame: make([]byte, 3*mostData)}
	for _, tt := range []struct {
		name   string
		before []*Packet
		next   *Packet
		room   bool
	}{
		{"the first, however large", nil, large, true},
		{"a small one after a small one", []*Packet{small("eth0")}, small("eth0"), true},
		{"one of another end", []*Packet{small("eth0")}, small("eth1"), false},
		{"a large one after a small one", []*Packet{small("eth0")}, large, false},
		{"one more than there may be", slicesOf(small("eth0"), mostPackets), small("eth0"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ps Packets
			for i, p := range tt.before {
				if !ps.Append(0, p) {
					t.Fatalf("packet %d has no room", i)
				}
			}
			if got := ps.Append(0, tt.next); got != tt.room {
				t.Errorf("room: %t, want %t", got, tt.room)
			}
			want := len(tt.before)
			if tt.room {
				want++
			}
			if got, err := unpack(&ps); err != nil || len(got) != want {
				t.Errorf("%d packets (%v), want %d", len(got), err, want)
			}
		})
	}
}

func slicesOf(p *Packet, n int) []*Packet {
	all := make([]*Packet, n)
	for i := range all {
		all[i] = p
	}
	return all
}

func TestPacketsThatAreMalformed(t *testing.T) {
	var ps Packets
	ps.Append(1000, &Packet{LinkEnd: &LinkEnd{}, Frame: []byte("a frame"), Length: 300})
	for n := 1; n < len(ps.Data); n++ {
		cut := ps
		cut.Data = ps.Data[:n]
		if got, err := unpack(&cut); !errors.Is(err, errRecord) {
			t.Errorf("the first %d bytes: %v, %v", n, got, err)
		}
	}
	for _, n := range []int{0, -1} {
		more := ps
		more.N = n
		if _, err := unpack(&more); !errors.Is(err, errRecord) {
			t.Errorf("a packet where there are %d: %v", n, err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 { // none makes it panic
		wrong := Packets{Data: make([]byte, rnd.IntN(60)), N: rnd.IntN(200) - 5}
		for i := range wrong.Data {
			wrong.Data[i] = byte(rnd.Uint32())
		}
		_, _ = unpack(&wrong)
	}
}

// A run has millions of packets.
func TestAPacketTakesLittleMemory(t *testing.T) {
	const packets, frame, most = 64_000, 66, 110
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	tr := &Trace{Events: make([]Entry, 0, packets)}
	before := heap()
	for range packets / mostPackets {
		var ps Packets
		p := &Packet{LinkEnd: &LinkEnd{"client", "eth0"}, Frame: make([]byte, frame), Length: 1514}
		for i := range mostPackets {
			ps.Append(time.Duration(i), p)
		}
		if err := ps.Each(tr.AddPacket); err != nil {
			t.Fatal(err)
		}
	}
	got := uint64(unsafe.Sizeof(Entry{})) + (heap()-before)/packets
	if got > most {
		t.Errorf("a packet of %d bytes takes %d bytes, want at most %d", frame, got, most)
	}
	if len(tr.Events) != packets || len(tr.packets.store.ends) != 1 {
		t.Errorf("%d packets at %d link ends", len(tr.Events), len(tr.packets.store.ends))
	}
}
