package queue

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"

	"halfopen/internal/packet"
	"halfopen/internal/testlab/malformed"
	"halfopen/scenarios/language"
)

// addPackets seeds a fuzz test with packets of all sorts.
func addPackets(add func(data []byte)) {
	for _, f := range families {
		for _, b := range conversation(f) {
			add(b)
		}
		add(fragment(f, 0, true, "\x13\x88\x1b\x5f\x01\x00\x12\x34 and so on..."))
		add(fragment(f, 1480, false, "the rest"))
		add(datagram(f, toServer, string(make([]byte, 65_000))))
		add(segment{way: toServer, flags: "ACK", payload: string(make([]byte, 65_000))}.bytes(f))
	}
}

// addMalformed seeds a fuzz test with packets that are each wrong in one way.
func addMalformed(add func(data []byte)) {
	for _, p := range malformed.Packets() {
		add(p.Data)
	}
}

// lengthsOf returns the length of the packet by its IP header, and the version.
func lengthsOf(b []byte) []byte {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return []byte{b[0], b[2], b[3]}
	case len(b) >= 40 && b[0]>>4 == 6:
		return []byte{b[0] & 0xf0, b[4], b[5]}
	}
	return nil
}

// checkForged checks that gopacket can parse a forged packet, and that its length field is right.
func checkForged(t *testing.T, b []byte) {
	t.Helper()
	p := parse(t, b)
	told := 0
	switch {
	case p.v4 != nil:
		told = int(p.v4.Length)
	case p.v6 != nil:
		told = 40 + int(p.v6.Length)
	}
	if told != len(b) || told > 1280 {
		t.Fatalf("a packet of %d bytes whose header says %d: % x", len(b), told, b)
	}
	if wrong := p.wrongChecksums(); len(wrong) > 0 {
		t.Fatalf("wrong checksums of %q: % x", wrong, b)
	}
}

// checkChanged checks that a changed packet has its old length, in its header too.
func checkChanged(t *testing.T, before, after []byte) {
	t.Helper()
	if len(before) != len(after) || !bytes.Equal(lengthsOf(before), lengthsOf(after)) {
		t.Fatalf("its length has changed:\nbefore % x\nafter  % x", before, after)
	}
	if l, _ := locate(before); l.ttl != 0 && !l.v6 {
		if got := fold(sum(0, after[:l.transport])); got != 0xffff && fold(sum(0, before[:l.transport])) == 0xffff {
			t.Fatalf("the checksum of the IP header has become wrong: % x", after)
		}
	}
}

// everything is a set of faults of all kinds.
const everything = `
  conn: {match: {tcp: any, conn: 1}, do: {delay: 1ms}}
  again: {match: {tcp: any, retransmission: true}, do: {delay: 1ms}}
  text: {match: {payload: {contains: hello, length: "> 2"}}, do: {delay: {by: 1ms, jitter: 1ms}}}
  stream: {match: {tcp: any, payload: {offset: 3..9}}, do: {hold: client.send}}
  numbers: {match: {tcp: any, seq: 0..9, ack: 0..9, window: 0..999, ttl: 1..255, options: {mss: true, sack: false}}, do: {reorder: 2}}
  icmp: {match: {icmp: any}, do: {replay: 1s}}
  corrupt: {do: {corrupt: {bytes: 2, offset: 1}}}
  fix: {do: {corrupt: {bytes: 1, checksum: fix}}}
  rewrite: {do: {rewrite: {window: 7, mss: 536, strip: [timestamps, sack-permitted, window-scale, mss, fast-open], ttl: 9, ecn: ce, set: [ECE], clear: [PSH]}}}
  reset: {do: {reset: both}}
  twice: {do: {duplicate: 2}}
  rate: {via: nfqueue, do: {rate: {to: 1mbit, queue: 1MB}}}
  burst: {do: {loss: {good-to-bad: 1%, bad-to-good: 90%}}}
  mtu: {do: {mtu: {size: 1400}}}`

// last are faults that drop every packet, each in a separate engine.
var last = []string{`{f: {via: nfqueue, do: {reject: {}}}}`, `{f: {via: nfqueue, match: {tcp: any}, do: {reject: tcp-reset}}}`, `{f: {do: {mtu: {size: 1280}}}}`}

// FuzzDecide gives any bytes as a packet to an engine with faults of all kinds.
func FuzzDecide(f *testing.F) {
	addPackets(func(b []byte) { f.Add(b) })
	addMalformed(func(b []byte) { f.Add(b) })
	var sets [][]*Rule
	for _, text := range append([]string{everything}, last...) {
		var rules []*Rule
		for _, r := range newTestEngine(f, language.V4, 1, text).rules {
			rules = append(rules, r.Rule)
		}
		sets = append(sets, rules)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if d := packet.DecodeIP(data); d.PayloadLen < 0 || len(d.Payload) > len(data) || len(d.Payload) > max(d.PayloadLen, 0) && !d.Fragment {
			t.Fatalf("a payload of %d bytes, of which %d are here", d.PayloadLen, len(d.Payload))
		}
		for _, rules := range sets {
			e, err := NewEngine(rules, hosts, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rules {
				e.Set(r.Fault, true)
			}
			for range 2 {
				checkDecision(t, e, data)
			}
		}
	})
}

func checkDecision(t *testing.T, e *Engine, data []byte) {
	t.Helper()
	given := slices.Clone(data)
	d := e.Decide(forward, given, 0)
	if !bytes.Equal(given, data) {
		t.Fatal("the packet given was changed")
	}
	// The memory is reused for the next packet. A reference to it would fail the checks below.
	for i := range given {
		given[i] ^= 0xff
	}
	leaves := data
	if d.Data != nil {
		checkChanged(t, data, d.Data)
		leaves = d.Data
	}
	for _, x := range d.Extras {
		if !bytes.Equal(x.Data, leaves) {
			checkForged(t, x.Data)
		}
	}
	for _, s := range d.Strikes {
		if len(s.Packet) > StrikeBytes || s.By < 0 {
			t.Fatalf("a strike of %d bytes, by %v", len(s.Packet), s.By)
		}
	}
	if d.At < 0 {
		t.Fatalf("it leaves at %v, before it came", d.At)
	}
}

// pick returns the names with bits set in a mask.
func pick(bits uint8, names []string) (chosen []string) {
	for i, name := range names {
		if bits>>i&1 != 0 {
			chosen = append(chosen, name)
		}
	}
	return chosen
}

// FuzzRewrite rewrites any bytes in any way.
func FuzzRewrite(f *testing.F) {
	addPackets(func(b []byte) { f.Add(b, uint16(7), uint16(536), uint8(0xff), uint8(3), uint8(64), uint8(128)) })
	addMalformed(func(b []byte) { f.Add(b, uint16(7), uint16(536), uint8(0xff), uint8('A'), uint8(64), uint8(8)) })
	f.Fuzz(func(t *testing.T, given []byte, window, mss uint16, strip, header, set, clear uint8) {
		w := int(window)
		flags := []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}
		a := &rewrite{language.Rewrite{
			Window: &w, MSS: int(mss), TTL: int(header >> 2), ECN: []string{"", "ect0", "ce", "not-ect"}[header&3],
			Strip: pick(strip, []string{"timestamps", "sack-permitted", "window-scale", "mss", "fast-open"}), Set: pick(set, flags), Clear: pick(clear, flags),
		}}
		p := &queued{arrived: given}
		before := slices.Clone(given)
		if _, struck := a.strike(&occasion{packet: p, decision: &Decision{}}); struck != (p.data != nil) {
			t.Fatalf("struck: %t, changed: %t", struck, p.data != nil)
		}
		if !bytes.Equal(before, given) {
			t.Fatal("the packet given was changed")
		}
		if p.data == nil {
			return
		}
		checkChanged(t, given, p.data)
		l, all := locate(given)
		from := l.transport
		if l.v6 {
			from = 40
		}
		if all {
			from = l.payload
			if l.proto == protoTCP && !bytes.Equal(given[l.transport:l.transport+12], p.data[l.transport:l.transport+12]) {
				t.Fatal("ports or numbers have changed")
			}
			if right := l.right(given); right != l.right(p.data) && !(l.proto == protoUDP && !l.v6 && binary.BigEndian.Uint16(given[l.checksum():]) == 0) {
				t.Fatalf("the checksum was right: %t, and is: %t", right, !right)
			}
		}
		if !bytes.Equal(given[from:], p.data[from:]) {
			t.Fatal("the payload has changed")
		}
	})
}

// FuzzCorrupt corrupts any bytes.
func FuzzCorrupt(f *testing.F) {
	addPackets(func(b []byte) { f.Add(b, uint16(1), uint16(2), true) })
	addMalformed(func(b []byte) { f.Add(b, uint16(1), uint16(0), false) })
	f.Fuzz(func(t *testing.T, given []byte, n, offset uint16, fix bool) {
		a := &corrupt{language.Corrupt{Bytes: int(n), Offset: int(offset)}}
		if fix {
			a.Checksum = "fix"
		}
		p := &queued{arrived: given}
		_, struck := a.strike(&occasion{packet: p, decision: &Decision{}})
		l, all := locate(given)
		if want := all && l.payload+int(offset)+max(1, int(n)) <= l.end; struck != want || struck != (p.data != nil) {
			t.Fatalf("struck: %t, changed: %t, want %t", struck, p.data != nil, want)
		}
		if !struck {
			return
		}
		checkChanged(t, given, p.data)
		from, to := l.payload+int(offset), l.payload+int(offset)+max(1, int(n))
		if !bytes.Equal(given[to:], p.data[to:]) || !bytes.Equal(given[l.payload:from], p.data[l.payload:from]) || bytes.Equal(given[from:to], p.data[from:to]) {
			t.Fatalf("other bytes than %d to %d have changed", from, to)
		}
		none := l.proto == protoUDP && !l.v6 && binary.BigEndian.Uint16(given[l.checksum():]) == 0
		if right := l.right(p.data); !none && fix && !right || !none && !fix && right {
			t.Fatalf("with fix %t the checksum is right: %t", fix, right)
		}
	})
}

// FuzzForge forges answers to any bytes.
func FuzzForge(f *testing.F) {
	addPackets(func(b []byte) { f.Add(b, uint16(1400), uint8(3)) })
	addMalformed(func(b []byte) { f.Add(b, uint16(1400), uint8(4)) })
	with := language.Answer("").Words()
	f.Fuzz(func(t *testing.T, given []byte, size uint16, kind uint8) {
		d := packet.DecodeIP(given)
		s := &occasion{engine: &Engine{hosts: hosts}, packet: &queued{hook: forward, arrived: given, decoded: d}, decision: &Decision{}}
		for _, b := range [][]byte{
			forgeReset(&d, toSender), forgeReset(&d, toReceiver), forgeReject(s, language.Answer(with[int(kind)%len(with)]).ICMP()), forgeTooBig(s, int(size)),
		} {
			if b == nil {
				continue
			}
			checkForged(t, b)
			if got := dissect(b); got.Layer(gopacket.LayerTypeDecodeFailure) != nil {
				t.Fatalf("gopacket cannot read % x", b)
			}
		}
	})
}
