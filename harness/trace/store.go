package trace

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
)

// store keeps the packets of a trace, each as a record: the first ones in memory, those beyond a bound
// in a file without a name, of which it reads parts back as they are needed. The zero value is empty.
type store struct {
	// ends are the link ends of the packets, and numbers their indexes: packets of one end share its
	// names. last is the one that was added last, which most packets repeat, as its caller has it.
	ends    []*LinkEnd
	numbers map[LinkEnd]int
	last    *LinkEnd
	number  int
	// chunks have the records one after the other. All but the last are full. memory is how many bytes
	// of them are kept in memory for good.
	chunks []chunk
	memory int
	// mostMemory is the bound; 0 means keptInMemory.
	mostMemory int

	// file has the chunks for which there is no memory; nil if all are there. Its last reference closes
	// it, as os.File says, and then the kernel frees its blocks.
	file *os.File
	size int64
	// unwritten is why no more chunks are written to the file.
	unwritten error

	mu sync.Mutex
	// readBack are the chunks of the file that are in memory, the next to be let go at the index
	// oldest; mu.
	readBack []int // mu
	oldest   int   // mu
	failed   error // mu; the first error of reading
}

// chunk is a part of the records. Its data is nil while it is only in the file, at an offset.
type chunk struct {
	data   []byte
	at     int64
	size   int
	inFile bool
}

// place is where a packet is: the number of its chunk, and its offset there.
type place uint64

const (
	// chunkSize is the size of a chunk, unless a single record is larger.
	chunkSize = 64 << 10
	// keptInMemory is how many bytes of packets a trace keeps in memory: the headers of half a million.
	keptInMemory = 32 << 20
	// mostReadBack is how many chunks of the file are in memory at once. The packets of each link end
	// are in other chunks than those that were seen at the same time at others.
	mostReadBack = 64
)

// fits reports whether there is room for a packet. A chunk without packets has room for any.
func (c *chunk) fits(p *Packet) bool {
	const numbers = 4 * binary.MaxVarintLen64
	return len(c.data) == 0 || len(c.data)+len(p.Frame)+numbers <= chunkSize
}

func (p place) chunk() int  { return int(p / chunkSize) }
func (p place) offset() int { return int(p % chunkSize) }

// add adds a packet.
func (s *store) add(p *Packet) place {
	if n := len(s.chunks); n == 0 || !s.chunks[n-1].fits(p) {
		s.next()
	}
	last := len(s.chunks) - 1
	c := &s.chunks[last]
	at := place(last*chunkSize + len(c.data))
	end := uint64(s.end(p.LinkEnd)) << 1
	if p.Out {
		end |= 1
	}
	c.data = binary.AppendUvarint(c.data, end)
	c.data = binary.AppendUvarint(c.data, uint64(p.Number))
	c.data = binary.AppendUvarint(c.data, uint64(p.Length))
	c.data = binary.AppendUvarint(c.data, uint64(len(p.Frame)))
	c.data = append(c.data, p.Frame...)
	return at
}

// next begins a chunk, after it has put the one before where it belongs.
func (s *store) next() {
	data := []byte(nil)
	if n := len(s.chunks); n > 0 {
		c := &s.chunks[n-1]
		c.size = len(c.data)
		if most := s.bound(); s.memory+c.size <= most || !s.write(c) {
			s.memory += c.size
		}
		data = make([]byte, 0, chunkSize)
	}
	s.chunks = append(s.chunks, chunk{data: data})
}

func (s *store) bound() int {
	if s.mostMemory > 0 {
		return s.mostMemory
	}
	return keptInMemory
}

// write writes a chunk to the file and lets its memory go. It reports whether it could. Once it could
// not, it does not try again.
func (s *store) write(c *chunk) bool {
	if s.unwritten != nil {
		return false
	}
	if s.file == nil {
		var err error
		if s.file, err = unnamed(os.TempDir()); err != nil {
			s.file, s.unwritten = nil, fmt.Errorf("making a file for packets: %w", err)
			return false
		}
	}
	if _, err := s.file.WriteAt(c.data, s.size); err != nil {
		s.unwritten = fmt.Errorf("writing packets to a file in %s: %w", os.TempDir(), err)
		return false
	}
	c.at, c.inFile, c.data = s.size, true, nil
	s.size += int64(c.size)
	return true
}

// end returns the number of a link end.
func (s *store) end(of *LinkEnd) int {
	if of == nil {
		of = &LinkEnd{}
	}
	if of == s.last {
		return s.number
	}
	n, known := s.numbers[*of]
	if !known {
		if s.numbers == nil {
			s.numbers = map[LinkEnd]int{}
		}
		n = len(s.ends)
		s.numbers[*of] = n
		end := *of
		s.ends = append(s.ends, &end)
	}
	s.last, s.number = of, n
	return n
}

// packet returns the packet at a place. If it cannot be read, it has no frame, and err says why.
func (s *store) packet(at place) Packet {
	data, err := s.read(at.chunk())
	if err != nil {
		return Packet{LinkEnd: &LinkEnd{}}
	}
	rest := data[at.offset():]
	field := func() uint64 {
		v, n := binary.Uvarint(rest)
		rest = rest[n:]
		return v
	}
	end, number, length, size := field(), field(), field(), field()
	p := Packet{
		Number: uint32(number), Out: end&1 != 0, LinkEnd: s.ends[end>>1], Length: int(length),
	}
	if size > 0 {
		p.Frame = rest[:size:size]
	}
	return p
}

// read returns the records of a chunk.
func (s *store) read(n int) ([]byte, error) {
	c := &s.chunks[n]
	if !c.inFile {
		return c.data, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.data != nil {
		return c.data, nil
	}
	data := make([]byte, c.size)
	if _, err := s.file.ReadAt(data, c.at); err != nil {
		if s.failed == nil {
			s.failed = fmt.Errorf("reading packets back from a file in %s: %w", os.TempDir(), err)
		}
		return nil, err
	}
	c.data = data
	if len(s.readBack) < mostReadBack {
		s.readBack = append(s.readBack, n)
		return data, nil
	}
	s.chunks[s.readBack[s.oldest]].data = nil
	s.readBack[s.oldest] = n
	s.oldest = (s.oldest + 1) % mostReadBack
	return data, nil
}

func (s *store) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// removed makes a file in a directory and removes its name.
func removed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "halfopen-packets-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close() // it is empty
		return nil, err
	}
	return f, nil
}
