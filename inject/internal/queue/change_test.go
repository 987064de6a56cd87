package queue

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/scenarios/language"
)

// differing returns the offsets at which two packets of one length differ.
func differing(t *testing.T, a, b []byte) []int {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d bytes have become %d", len(a), len(b))
	}
	var at []int
	for i := range a {
		if a[i] != b[i] {
			at = append(at, i)
		}
	}
	return at
}

func TestCorrupt(t *testing.T) {
	for _, f := range families {
		head := map[language.Family]int{language.V4: 20, language.V6: 40}[f]
		payload := "0123456789"
		for name, c := range map[string]struct {
			packet         []byte
			payload, check int // their offsets
			layer          string
		}{
			"TCP": {segment{way: toServer, flags: "ACK", seq: 1, ack: 1, payload: payload}.bytes(f), head + 20, head + 16, "TCP"},
			"TCP with options": {
				segment{way: toServer, flags: "SYN", options: synOptions(), payload: payload}.bytes(f),
				head + 40, head + 16, "TCP",
			},
			"UDP": {datagram(f, toServer, payload), head + 8, head + 6, "UDP"},
		} {
			for do, want := range map[string][]int{
				`{corrupt: {}}`:                                   {0},
				`{corrupt: 3}`:                                    {0, 1, 2},
				`{corrupt: {bytes: 2, offset: 8}}`:                {8, 9},
				`{corrupt: {bytes: 10, checksum: keep}}`:          {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
				`{corrupt: {offset: 9, checksum: fix}}`:           {9},
				`{corrupt: {bytes: 10, checksum: fix}}`:           {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
				`{corrupt: {bytes: 3, offset: 8}}`:                nil, // only two are left
				`{corrupt: {offset: 10}}`:                         nil,
				`{corrupt: {bytes: 11, checksum: fix}}`:           nil,
				`{corrupt: {bytes: 1, offset: 1400}}`:             nil,
				`{corrupt: {bytes: 1400, offset: 1}}`:             nil,
				`{corrupt: {bytes: 2, offset: 1, checksum: fix}}`: {1, 2},
			} {
				e := newTestEngine(t, f, 1, `{f: {do: `+do+`}}`)
				original := slices.Clone(c.packet)
				d := decide(e, c.packet, 0)
				if !bytes.Equal(original, c.packet) {
					t.Fatalf("IP%s: %s: %s: the packet given was changed", f, name, do)
				}
				if want == nil {
					if d.Data != nil || len(d.Strikes) > 0 || d.Drop {
						t.Errorf("IP%s: %s: %s: %+v, want it to pass", f, name, do, d)
					}
					continue
				}
				p := parse(t, d.Data)
				fix := strings.Contains(do, "fix")
				var at []int
				for _, i := range differing(t, c.packet, d.Data) {
					if i != c.check && i != c.check+1 {
						at = append(at, i-c.payload)
					} else if !fix {
						t.Errorf("IP%s: %s: %s: the checksum has changed", f, name, do)
					}
				}
				if diff := cmp.Diff(want, at); diff != "" {
					t.Errorf("IP%s: %s: %s: bytes of the payload (-want +got):\n%s", f, name, do, diff)
				}
				if wrong := p.wrongChecksums(); fix && len(wrong) > 0 || !fix && !slices.Equal(wrong, []string{c.layer}) {
					t.Errorf("IP%s: %s: %s: wrong checksums of %q", f, name, do, wrong)
				}
			}
		}
	}
}

// Flipping all bits of a word of zeros gives -0, which does not change a sum in ones' complement.
func TestCorruptIsNoticedWhateverTheBytes(t *testing.T) {
	for _, payload := range []string{"\x00\x00", "\xff\xff", "\x00\x00\x00\x00", "\x00\xff\xff\x00", "\x12\x34\xed\xcb"} {
		for _, f := range families {
			e := newTestEngine(t, f, 1, `{f: {do: {corrupt: `+string('0'+byte(len(payload)))+`}}}`)
			d := decide(e, segment{way: toServer, flags: "ACK", payload: payload}.bytes(f), 0)
			if wrong := parse(t, d.Data).wrongChecksums(); len(wrong) != 1 {
				t.Errorf("IP%s: %x: wrong checksums of %q", f, payload, wrong)
			}
		}
	}
}

func TestRewrite(t *testing.T) {
	type want struct {
		// what checks the packet as gopacket parses it, and returns "" if it is right.
		check func(before, after *parsed) string
	}
	tcp := func(ok func(before, after *layers.TCP) bool) want {
		return want{func(b, a *parsed) string {
			if !ok(b.tcp, a.tcp) {
				return a.String()
			}
			return ""
		}}
	}
	kinds := func(h *layers.TCP) []int {
		var list []int
		for _, o := range h.Options {
			if o.OptionType != layers.TCPOptionKindEndList {
				list = append(list, int(o.OptionType))
			}
		}
		return list
	}
	ecnOf := func(p *parsed) uint8 {
		if p.v4 != nil {
			return p.v4.TOS & 3
		}
		return p.v6.TrafficClass & 3
	}
	ecnIs := func(bits uint8) want {
		return want{func(_, a *parsed) string {
			if ecnOf(a) != bits || a.v4 != nil && a.v4.TOS>>2 != 10 || a.v6 != nil && a.v6.TrafficClass>>2 != 10 {
				return a.String()
			}
			return ""
		}}
	}
	// The class is AF11, so that the ECN bits have neighbours.
	class := func(ecn uint8) func(*layers.IPv4, *layers.IPv6) {
		return func(v4 *layers.IPv4, v6 *layers.IPv6) {
			v4.TOS, v6.TrafficClass, v6.FlowLabel = 10<<2|ecn, 10<<2|ecn, 0xabcde
		}
	}
	full := append(synOptions(), option(layers.TCPOptionKindSACK, 0, 0, 0, 1, 0, 0, 0, 2), option(34, 1, 2, 3, 4))
	full = full[:len(full)-1] // 40 bytes of options are the most
	syn := segment{way: toServer, flags: "SYN", seq: 9, window: 64240, options: full, change: class(0)}
	fast := segment{way: toServer, flags: "SYN", seq: 9, options: []layers.TCPOption{option(34, 1, 2, 3, 4), nop, nop, option(2, 5, 180)}, change: class(0)}
	data := segment{way: toServer, flags: "PSH ACK", seq: 10, ack: 1, window: 502, payload: "odd", change: class(2)}
	for _, c := range []struct {
		name, do string
		segment
		want
	}{
		{"window", `{window: 0}`, data, tcp(func(_, a *layers.TCP) bool { return a.Window == 0 })},
		{"largest window", `{window: 65535}`, data, tcp(func(_, a *layers.TCP) bool { return a.Window == 65535 })},
		{"mss", `{mss: 536}`, syn, tcp(func(b, a *layers.TCP) bool {
			return bytes.Equal(a.Options[0].OptionData, []byte{2, 24}) && slices.Equal(kinds(b), kinds(a))
		})},
		{"strip timestamps", `{strip: timestamps}`, syn, tcp(func(_, a *layers.TCP) bool {
			return slices.Equal(kinds(a), []int{2, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 5})
		})},
		{"strip sack-permitted", `{strip: sack-permitted}`, syn, tcp(func(_, a *layers.TCP) bool {
			return !slices.Contains(kinds(a), 4) && slices.Contains(kinds(a), 5) && slices.Contains(kinds(a), 8)
		})},
		{"strip window-scale", `{strip: window-scale}`, syn, tcp(func(_, a *layers.TCP) bool {
			return !slices.Contains(kinds(a), 3) && slices.Contains(kinds(a), 5)
		})},
		{"strip mss", `{strip: mss}`, syn, tcp(func(_, a *layers.TCP) bool { return !slices.Contains(kinds(a), 2) })},
		{"strip fast-open", `{strip: fast-open}`, fast, tcp(func(_, a *layers.TCP) bool {
			return slices.Equal(kinds(a), []int{1, 1, 1, 1, 1, 1, 1, 1, 2})
		})},
		{"strip all", `{strip: [timestamps, sack-permitted, window-scale, mss]}`, syn, tcp(func(b, a *layers.TCP) bool {
			left := slices.DeleteFunc(kinds(a), func(kind int) bool { return kind == 1 })
			return slices.Equal(left, []int{5}) && a.DataOffset == b.DataOffset
		})},
		{"ttl", `{ttl: 1}`, data, want{func(_, a *parsed) string {
			if a.v4 != nil && a.v4.TTL == 1 || a.v6 != nil && a.v6.HopLimit == 1 {
				return ""
			}
			return a.String()
		}}},
		{"not-ect", `{ecn: not-ect}`, data, ecnIs(0)},
		{"ect1", `{ecn: ect1}`, data, ecnIs(1)},
		{"ect0", `{ecn: ect0}`, syn, ecnIs(2)},
		{"ce", `{ecn: ce}`, data, ecnIs(3)},
		{"set flags", `{set: [URG, ECE, CWR, FIN]}`, data, want{func(_, a *parsed) string {
			if f := a.flags(); f != "FIN PSH ACK URG ECE CWR" {
				return f
			}
			return ""
		}}},
		{"clear flags", `{clear: [PSH, ACK]}`, data, want{func(_, a *parsed) string { return a.flags() }}},
		{"set and clear", `{set: [SYN, RST], clear: [PSH]}`, data, want{func(_, a *parsed) string {
			if f := a.flags(); f != "SYN RST ACK" {
				return f
			}
			return ""
		}}},
		{"all at once", `{window: 1, mss: 100, strip: [timestamps], ttl: 9, ecn: ce, set: [ECE], clear: [SYN]}`, syn, want{func(_, a *parsed) string {
			if a.tcp.Window != 1 || a.flags() != "ECE" || ecnOf(a) != 3 || slices.Contains(kinds(a.tcp), 8) {
				return a.String()
			}
			return ""
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range families {
				e := newTestEngine(t, f, 1, `{f: {match: {tcp: any}, do: {rewrite: `+c.do+`}}}`)
				b := c.bytes(f)
				d := decide(e, b, 0)
				if d.Data == nil || d.Drop || d.At != 0 || len(d.Extras) > 0 {
					t.Fatalf("IP%s: %+v", f, d)
				}
				before, after := parse(t, b), parse(t, d.Data)
				if wrong := c.check(before, after); wrong != "" {
					t.Errorf("IP%s: the packet became\n%s", f, wrong)
				}
				if wrong := after.wrongChecksums(); len(wrong) > 0 {
					t.Errorf("IP%s: wrong checksums of %q", f, wrong)
				}
				if !bytes.Equal(before.tcp.Payload, after.tcp.Payload) || before.src != after.src || before.dst != after.dst ||
					before.tcp.Seq != after.tcp.Seq || before.tcp.Ack != after.tcp.Ack || before.tcp.SrcPort != after.tcp.SrcPort ||
					f == language.V6 && after.v6.FlowLabel != 0xabcde {
					t.Errorf("IP%s: something else has changed too:\n%s\n%s", f, before, after)
				}
				// A field that already has the value is not a hit.
				again := decide(e, d.Data, 0)
				if again.Data != nil || len(again.Strikes) > 0 {
					t.Errorf("IP%s: rewritten again though nothing changes", f)
				}
			}
		})
	}
}

// The IP header may be rewritten whatever the packet carries.
func TestRewriteOfOtherPackets(t *testing.T) {
	for _, f := range families {
		for name, b := range map[string][]byte{
			"UDP":              datagram(f, toServer, "odd"),
			"ICMP":             echo(f, toServer),
			"an ICMP error":    unreachable(f),
			"first fragment":   fragment(f, 0, true, "\x13\x88\x1b\x5f\x01\x00\x12\x34 and so on..."),
			"later fragment":   fragment(f, 1480, false, "the rest"),
			"another protocol": build(f, toServer, nil, 132, gopacket.Payload("sctp")),
		} {
			e := newTestEngine(t, f, 1, `{f: {do: {rewrite: {ttl: 2, ecn: ce}}}}`)
			d := decide(e, b, 0)
			if d.Data == nil {
				t.Errorf("IP%s: %s is left alone", f, name)
				continue
			}
			after := dissect(d.Data)
			if f == language.V4 && (after.v4.TTL != 2 || after.v4.TOS != 3) || f == language.V6 && (after.v6.HopLimit != 2 || after.v6.TrafficClass != 3) {
				t.Errorf("IP%s: %s became\n%s", f, name, after)
			}
			changed := differing(t, b, d.Data)
			if last := changed[len(changed)-1]; last > 11 {
				t.Errorf("IP%s: %s: byte %d has changed", f, name, last)
			}
			if f == language.V4 {
				if err, ok := after.v4.VerifyChecksum(); err != nil || !ok.Valid {
					t.Errorf("%s: the checksum of the header is wrong: %v", name, err)
				}
			}
		}
	}
}

// A truncated packet must not be sent on truncated.
func TestWhatIsCutShortIsNotChanged(t *testing.T) {
	for _, f := range families {
		b := segment{way: toServer, flags: "ACK", payload: strings.Repeat("x", 1000)}.bytes(f)
		e := newTestEngine(t, f, 1, `{c: {do: {corrupt: {}}}, r: {do: {rewrite: {ttl: 9}}}}`)
		for n := range len(b) {
			if d := decide(e, b[:n], 0); d.Data != nil || len(d.Strikes) > 0 {
				t.Fatalf("IP%s: with %d of %d bytes: %q", f, n, len(b), effects(&d))
			}
		}
	}
}

// A datagram may end before its packet does. Its checksum covers only the datagram.
func TestADatagramShorterThanItsPacket(t *testing.T) {
	for _, f := range families {
		b := append(datagram(f, toServer, "four"), "tail"...)
		if f == language.V4 {
			b[3] += 4
		} else {
			b[5] += 4
		}
		e := newTestEngine(t, f, 1, `{f: {do: {corrupt: {bytes: 4, checksum: fix}}}}`)
		d := decide(e, b, 0)
		p := dissect(d.Data)
		if got := string(p.udp.Payload); got != "\x99\x90\x8a\x8d" {
			t.Errorf("IP%s: the payload is %q", f, got)
		}
		short := slices.Clone(d.Data[:len(b)-4])
		if f == language.V4 {
			short[3] -= 4
		} else {
			short[5] -= 4
		}
		if wrong := parse(t, short).wrongChecksums(); slices.Contains(wrong, "UDP") {
			t.Errorf("IP%s: the datagram's checksum is wrong", f)
		}
		if !bytes.HasSuffix(d.Data, []byte("tail")) {
			t.Errorf("IP%s: the bytes after the datagram have changed", f)
		}
	}
}
