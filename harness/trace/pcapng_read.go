package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Referring reports whether the packets of the trace have their frames in another file: see
// [Trace.ReadCapture].
func (t *Trace) Referring() bool {
	for i := range t.Events {
		if t.Events[i].IsPacket() {
			p := t.Events[i].Packet()
			return p.Number > 0 && p.Frame == nil
		}
	}
	return false
}

// ReadCapture reads the packets of a trace that was written by [Trace.WriteReferring] from the file
// that [Trace.WriteCapture] wrote. It is an error if they are not those of the trace.
func (t *Trace) ReadCapture(r io.Reader) error {
	var wall time.Time
	if run := t.Run(); run != nil {
		wall = run.Wall
	}
	in := captureReader{r: bufio.NewReaderSize(r, 256<<10)}
	whole := &seen{store: &store{}}
	for i := range t.Events {
		e := &t.Events[i]
		if !e.IsPacket() {
			continue
		}
		number := e.Packet().Number
		at, p, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("it has %d packets, fewer than the trace", in.packets)
		case err != nil:
			return fmt.Errorf("after packet %d: %w", in.packets, err)
		case int(number) != in.packets || at != uint64(wall.Add(e.T).UnixNano()):
			return fmt.Errorf("packet %d is not the one of the trace: the file was changed, or is of another run", in.packets)
		}
		p.Number = number
		e.seen, e.at = whole, whole.store.add(p)
	}
	if _, _, err := in.next(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("it has more packets than the trace: %d and more", in.packets)
	}
	t.packets = whole
	return nil
}

// captureReader reads a file of one section that [Trace.WriteCapture] wrote.
type captureReader struct {
	r       *bufio.Reader
	ends    []*LinkEnd
	packets int
	// buf has the block that was read last.
	buf []byte
}

// largestBlock bounds a block: the largest frame has 64 KiB, and a comment has a name.
const largestBlock = 1 << 20

var errBlock = errors.New("a block is malformed")

// next returns the next packet and its time in nanoseconds since 1970; io.EOF after the last. The
// packet's frame is valid until the next call.
func (c *captureReader) next() (at uint64, p *Packet, err error) {
	for {
		kind, body, err := c.block()
		if err != nil {
			return 0, nil, err
		}
		switch kind {
		case blockInterface:
			if len(body) < 8 {
				return 0, nil, errBlock
			}
			host, device, _ := strings.Cut(string(findOption(body[8:], optInterfaceName)), ":")
			c.ends = append(c.ends, &LinkEnd{host, device})
		case blockPacket:
			c.packets++
			return c.packet(body)
		}
	}
}

// block returns the type and the body of the next block.
func (c *captureReader) block() (kind uint32, body []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	kind, length := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
	if length < 12 || length%4 != 0 || length > largestBlock {
		return 0, nil, errBlock
	}
	if int(length) > cap(c.buf) {
		c.buf = make([]byte, length)
	}
	body = c.buf[:length-8]
	if _, err := io.ReadFull(c.r, body); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	body, tail := body[:length-12], body[length-12:]
	if binary.LittleEndian.Uint32(tail) != length {
		return 0, nil, errBlock
	}
	return kind, body, nil
}

func (c *captureReader) packet(body []byte) (at uint64, p *Packet, err error) {
	if len(body) < 20 {
		return 0, nil, errBlock
	}
	field := func(i int) uint32 { return binary.LittleEndian.Uint32(body[4*i:]) }
	end, size := field(0), int(field(3))
	padded := (size + 3) / 4 * 4
	if int(end) >= len(c.ends) || padded > len(body)-20 {
		return 0, nil, errBlock
	}
	flags := findOption(body[20+padded:], optPacketFlags)
	p = &Packet{
		LinkEnd: c.ends[end], Length: int(field(4)),
		Frame: body[20 : 20+size : 20+size],
		Out:   len(flags) == 4 && binary.LittleEndian.Uint32(flags) == ngOutbound,
	}
	return uint64(field(1))<<32 | uint64(field(2)), p, nil
}

// findOption returns the value of an option in the options of a block; nil if it is not there.
func findOption(b []byte, code uint16) []byte {
	for len(b) >= 4 {
		c, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		padded := (n + 3) / 4 * 4
		if c == 0 || padded > len(b)-4 {
			return nil
		}
		if c == code {
			return b[4 : 4+n]
		}
		b = b[4+padded:]
	}
	return nil
}
