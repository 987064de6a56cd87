package trace

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// assorted returns packets of all sizes, of some link ends.
func assorted(n int) []*Packet {
	random := rand.New(rand.NewPCG(1, 2))
	ends := []*LinkEnd{{"client", "eth0"}, {"wire", "eth0"}, {"wire", "eth1"}, {"server", "eth0"}}
	packets := make([]*Packet, n)
	for i := range packets {
		p := &Packet{
			Number: uint32(i) * 1000, LinkEnd: ends[random.IntN(len(ends))], Out: random.IntN(2) == 0,
			Length: random.IntN(1 << 20),
		}
		switch random.IntN(100) {
		case 0: // no frame
		case 1:
			p.Frame = bytes.Repeat([]byte{byte(i)}, random.IntN(3*chunkSize)+1)
		default:
			p.Frame = bytes.Repeat([]byte{byte(i)}, random.IntN(200)+1)
		}
		packets[i] = p
	}
	return packets
}

func same(a, b *Packet) bool {
	return a.Number == b.Number && a.Out == b.Out && *a.LinkEnd == *b.LinkEnd && a.Length == b.Length &&
		bytes.Equal(a.Frame, b.Frame)
}

func TestPacketsAreKeptAsTheyWere(t *testing.T) {
	for _, tt := range []struct {
		name       string
		packets    int
		mostMemory int
		inFile     bool
	}{
		{"none", 0, 1, false},
		{"a few, all in memory", 10, 1, false},
		{"many, all in memory", 3000, 1 << 30, false},
		{"many, the first in memory", 3000, 3 * chunkSize, true},
		{"many, all in the file", 3000, 1, true},
		{"more than are read back at once", 8000, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := assorted(tt.packets)
			s := &store{mostMemory: tt.mostMemory}
			places := make([]place, len(want))
			for i, p := range want {
				places[i] = s.add(p)
			}
			if got := s.file != nil; got != tt.inFile {
				t.Errorf("some are in a file: %t, want %t", got, tt.inFile)
			}
			if s.memory > tt.mostMemory {
				t.Errorf("%d bytes are kept in memory, want at most %d", s.memory, tt.mostMemory)
			}
			// Several readers, each in another order than that of the file.
			var readers sync.WaitGroup
			for reader := range 3 {
				readers.Go(func() {
					for k := range want {
						i := k ^ (reader * 7)
						if i >= len(want) {
							continue
						}
						if got := s.packet(places[i]); !same(want[i], &got) {
							t.Errorf("packet %d is %+v, want %+v", i, got, *want[i])
							return
						}
					}
				})
			}
			readers.Wait()
			inMemory := 0
			for i := range s.chunks {
				if s.chunks[i].inFile && s.chunks[i].data != nil {
					inMemory++
				}
			}
			if inMemory > mostReadBack {
				t.Errorf("%d chunks are read back, want at most %d", inMemory, mostReadBack)
			}
			if err := s.err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The file has no name: nothing is left of it after the process, however it ends.
func TestTheFileOfPacketsHasNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := &store{mostMemory: 1}
	for _, p := range assorted(1000) {
		s.add(p)
	}
	if s.file == nil {
		t.Fatal("no file was made")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the directory has %v, %v", left, err)
	}
}

func TestPacketsStayInMemoryWithoutAFile(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	tr := &Trace{packets: &seen{store: &store{mostMemory: 1}}}
	want := assorted(1000)
	for _, p := range want {
		tr.AddPacket(0, p)
	}
	if err := tr.Spilled(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	for i := range want {
		if got := tr.Events[i].Packet(); !same(want[i], &got) {
			t.Fatalf("packet %d is %+v, want %+v", i, got, *want[i])
		}
	}
	if err := tr.Err(); err != nil {
		t.Error(err)
	}
}

func TestAFileThatCannotBeReadIsReported(t *testing.T) {
	tr := &Trace{packets: &seen{store: &store{mostMemory: 1}}}
	for _, p := range assorted(1000) {
		tr.AddPacket(0, p)
	}
	if err := tr.packets.store.file.Truncate(10); err != nil {
		t.Fatal(err)
	}
	if p := tr.Events[0].Packet(); p.Frame != nil || p.LinkEnd == nil {
		t.Errorf("the packet is %+v", p)
	}
	if tr.Err() == nil {
		t.Error("no error")
	}
	if err := tr.WriteCapture(&bytes.Buffer{}); err == nil {
		t.Error("the capture was written")
	}
}
