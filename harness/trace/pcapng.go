package trace

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"
)

// WriteCapture writes the packets of a trace as a pcapng file (draft-ietf-opsawg-pcapng), for
// tcpdump and Wireshark. Packets are in order of time, with timestamps in nanoseconds of the wall
// clock and their direction. Each link end is an interface, named HOST:DEVICE. A packet that passed
// several link ends is written once for each.
func (t *Trace) WriteCapture(w io.Writer) error {
	var wall time.Time
	app, kernel, comment := "halfopen", "linux", ""
	if r := t.Run(); r != nil {
		wall = r.Wall
		app, kernel = "halfopen "+r.Version, "linux "+r.Kernel
		comment = fmt.Sprintf("%s %s %s, seed %d", r.Scenario, r.Case, r.Family, r.Seed)
	}
	bw := bufio.NewWriterSize(w, 256<<10)
	header := binary.LittleEndian.AppendUint32(nil, ngMagic)
	header = binary.LittleEndian.AppendUint16(header, 1) // version 1.0
	header = binary.LittleEndian.AppendUint16(header, 0)
	// length of the section: not specified
	header = binary.LittleEndian.AppendUint64(header, ^uint64(0))
	header = appendOption(header, optComment, []byte(comment))
	header = appendOption(header, optSectionOS, []byte(kernel))
	header = appendOption(header, optSectionApp, []byte(app))
	writeBlock(bw, blockSection, endOptions(header))

	ends, number := linkEnds(t)
	for _, end := range ends {
		b := binary.LittleEndian.AppendUint32(nil, linkTypeEthernet)
		b = binary.LittleEndian.AppendUint32(b, 0) // no limit on captured bytes
		b = appendOption(b, optInterfaceName, []byte(end.name))
		b = appendOption(b, optInterfaceDescription, []byte(end.description))
		b = appendOption(b, optInterfaceResolution, []byte{9}) // 10^-9 s
		writeBlock(bw, blockInterface, endOptions(b))
	}
	events := t.inOrder()
	var b, flags []byte // used again for each packet
	for i := range events {
		if !events[i].IsPacket() {
			continue
		}
		p := events[i].Packet()
		ts := uint64(wall.Add(events[i].T).UnixNano())
		b = binary.LittleEndian.AppendUint32(b[:0], uint32(number[*p.LinkEnd]))
		b = binary.LittleEndian.AppendUint32(b, uint32(ts>>32))
		b = binary.LittleEndian.AppendUint32(b, uint32(ts))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Frame)))
		b = binary.LittleEndian.AppendUint32(b, uint32(max(p.Length, len(p.Frame))))
		b = pad(append(b, p.Frame...))
		direction := uint32(ngInbound)
		if p.Out {
			direction = ngOutbound
		}
		flags = binary.LittleEndian.AppendUint32(flags[:0], direction)
		b = endOptions(appendOption(b, optPacketFlags, flags))
		writeBlock(bw, blockPacket, b)
	}
	if err := t.Err(); err != nil {
		return fmt.Errorf("writing pcapng: %w", err)
	}
	// A bufio.Writer keeps its first error.
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing pcapng: %w", err)
	}
	return nil
}

// Numbers of the format: block types, options by block, and fields.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6

	optComment              = 1
	optSectionOS            = 3
	optSectionApp           = 4
	optInterfaceName        = 2
	optInterfaceDescription = 3
	optInterfaceResolution  = 9
	optPacketFlags          = 2

	ngMagic          = 0x1a2b3c4d
	linkTypeEthernet = 1
	ngInbound        = 0b01
	ngOutbound       = 0b10
)

// writeBlock writes a block. The length of body must be a multiple of 4. The length of the block is
// written before and after the body.
func writeBlock(w *bufio.Writer, kind uint32, body []byte) {
	length := uint32(len(body) + 12)
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], kind)
	binary.LittleEndian.PutUint32(head[4:], length)
	_, _ = w.Write(head[:]) // errors stay in w, and Flush returns them
	_, _ = w.Write(body)
	_, _ = w.Write(head[4:])
}

// appendOption appends an option, unless it is empty.
func appendOption(b []byte, code uint16, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

func endOptions(b []byte) []byte { return append(b, 0, 0, 0, 0) }

// pad fills up to a multiple of 4 bytes. All earlier fields of a block are multiples of 4 bytes.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// linkEnd is an interface of the file.
type linkEnd struct{ name, description string }

// linkEnds lists the ends of all links of the lab, and those of its packets, and says which number
// each has in the list.
func linkEnds(t *Trace) ([]linkEnd, map[LinkEnd]int) {
	var ends []linkEnd
	number := map[LinkEnd]int{}
	add := func(end LinkEnd, description string) {
		if _, known := number[end]; !known {
			number[end] = len(ends)
			ends = append(ends, linkEnd{end.Host + ":" + end.Device, description})
		}
	}
	for _, h := range t.Hosts() {
		for _, l := range h.Links {
			description := "loopback of " + h.Name
			if l.Peer != "" {
				description = fmt.Sprintf("%s's end of its link with %s", h.Name, l.Peer)
			}
			add(LinkEnd{h.Name, l.Device}, description)
		}
	}
	if t.packets != nil {
		for _, end := range t.packets.store.ends {
			add(*end, "")
		}
	}
	return ends, number
}

// inOrder returns the events in the order of time.
func (t *Trace) inOrder() []Entry {
	byTime := func(a, b Entry) int { return cmp.Compare(a.T, b.T) }
	if slices.IsSortedFunc(t.Events, byTime) {
		return t.Events
	}
	events := slices.Clone(t.Events)
	slices.SortStableFunc(events, byTime)
	return events
}
