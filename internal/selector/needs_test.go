package selector

import (
	"bytes"
	"net/netip"
	"testing"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// byKey has, for each key, a selector with that key alone that matches the packet of
// TestNeedsOfKeys, as far as a TCP segment can be matched.
func byKey() map[language.Key]*language.Selector {
	no := false
	five := &language.Count{Min: 5, Max: 5}
	return map[language.Key]*language.Selector{
		language.KeyFrom:            {From: "client"},
		language.KeyTo:              {To: "server"},
		language.KeyTCP:             {TCP: language.Kinds{language.DATA}},
		language.KeyUDP:             {UDP: "any"},
		language.KeyICMP:            {ICMP: "any"},
		language.KeyARP:             {ARP: "any"},
		language.KeyPort:            {Port: language.PortList(8080)},
		language.KeySPort:           {SPort: language.PortList(40001)},
		language.KeyDPort:           {DPort: language.PortList(8080)},
		language.KeyConn:            {Conn: 1},
		language.KeyPayloadContains: {Payload: &language.Payload{Contains: "end"}},
		language.KeyPayloadHex:      {Payload: &language.Payload{Hex: "656e64"}},
		language.KeyPayloadLength:   {Payload: &language.Payload{Length: &language.Count{Min: 1003, Max: 1003}}},
		language.KeyPayloadOffset:   {Payload: &language.Payload{Offset: &language.Count{Min: 1002, Max: 1002}}},
		language.KeyRetransmission:  {Retransmission: &no},
		language.KeyOptions:         {Options: map[string]bool{"timestamps": true}},
		language.KeySeq:             {Seq: five},
		language.KeyAck:             {Ack: five},
		language.KeyWindow:          {Window: five},
		language.KeyTTL:             {TTL: five},
	}
}

// The queue follows connections, and reads whole packets, only if NeedsFlow and NeedsPayload ask
// for it. A key that needs either without saying so would panic there, or miss packets.
func TestNeedsOfKeys(t *testing.T) {
	client, server := netip.MustParseAddr("198.18.1.2"), netip.MustParseAddr("198.18.2.2")
	hosts := Hosts{"client": {client}, "server": {server}}
	payload := append(bytes.Repeat([]byte("x"), 1000), "end"...)
	whole := packet.Decoded{
		Family: "v4", Proto: "tcp", Src: client, Dst: server, SPort: 40001, DPort: 8080, TTL: 5,
		Flags: packet.ACK, Window: 5, Options: packet.TCPOptions{WindowScale: -1, Timestamps: true},
		Payload: payload, PayloadLen: len(payload),
	}
	headers := whole
	headers.Payload = payload[:128]
	flow := packet.Flow{Conn: 1, Seq: 5, Ack: 5}

	for k := range tests {
		s := byKey()[k]
		if s == nil {
			t.Errorf("the test has no selector for the key %s", k)
			continue
		}
		if keys := s.Keys(); len(keys) != 1 || keys[0] != k {
			t.Fatalf("the selector for %s has the keys %v", k, keys)
		}
		takes := func(d *packet.Decoded, f *packet.Flow) (taken, panics bool) {
			m, err := New(s, hosts)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { panics = recover() != nil }()
			var conns Conns
			if s.Conn > 0 {
				conns.See(m, d, f)
			}
			return m.Matches(d, f) && conns.Takes(m, f), false
		}
		taken, _ := takes(&whole, &flow)
		otherProtocol := s.UDP != "" || s.ICMP != "" || s.ARP != ""
		if taken == otherProtocol {
			t.Errorf("%s: the packet is taken: %t", k, taken)
		}
		if _, panics := takes(&whole, nil); panics != NeedsFlow(s) {
			t.Errorf("%s: NeedsFlow is %t; without a flow the check panics: %t", k, NeedsFlow(s), panics)
		}
		if got, _ := takes(&headers, &flow); (got != taken) != NeedsPayload(s) {
			t.Errorf("%s: NeedsPayload is %t; taken with the payload: %t, with 128 bytes of it: %t",
				k, NeedsPayload(s), taken, got)
		}
	}
}
