package packet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/layers"
)

// segment is a segment of one connection, as seen going out of a host's eth0.
type segment struct {
	host  string
	back  bool // from server to client
	flags string
	seq   uint32
	ack   uint32
	len   int
}

func (s segment) track(t *testing.T, flows *Flows) Flow {
	t.Helper()
	ip := ip4(6)
	h := tcp(func(h *layers.TCP) {
		h.Seq, h.Ack = s.seq, s.ack
		for _, f := range s.flags {
			switch f {
			case 'S':
				h.SYN = true
			case 'A':
				h.ACK = true
			case 'F':
				h.FIN = true
			case 'R':
				h.RST = true
			}
		}
	})
	if s.back {
		ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
		h.SrcPort, h.DstPort = h.DstPort, h.SrcPort
	}
	host := s.host
	if host == "" {
		host = "client"
	}
	d := Decode(frame(t, layers.EthernetTypeIPv4, ip, h, make(bytesOf, s.len)))
	return flows.Track(&d, host, "eth0", false)
}

func TestFlows(t *testing.T) {
	wrap := ^uint32(0) - 2
	tests := []struct {
		name     string
		segments []segment
		want     []Flow
	}{
		{
			"a handshake has numbers from 0",
			[]segment{{flags: "S", seq: 1000}, {back: true, flags: "SA", seq: 5000, ack: 1001}, {flags: "A", seq: 1001, ack: 5001}, {flags: "A", seq: 1001, ack: 5001, len: 10}},
			[]Flow{
				{Conn: 1, Opener: true, Offset: 0},
				{Conn: 1, Ack: 1},
				{Conn: 1, Seq: 1, Ack: 1, Opener: true},
				{Conn: 1, Seq: 1, Ack: 1, Opener: true},
			},
		},
		{
			"a refused SYN is answered by seq 0 ack 1",
			[]segment{{flags: "S", seq: 1000}, {back: true, flags: "RA", seq: 0, ack: 1001}},
			[]Flow{{Conn: 1, Opener: true}, {Conn: 1, Ack: 1, Offset: -1}},
		},
		{
			"a SYN seen twice at one end is a retransmission, at another end it is not",
			[]segment{{flags: "S", seq: 1000}, {host: "server", flags: "S", seq: 1000}, {flags: "S", seq: 1000}},
			[]Flow{{Conn: 1, Opener: true}, {Conn: 1, Opener: true}, {Conn: 1, Opener: true, Retransmission: true}},
		},
		{
			"a SYN with another number is another connection",
			[]segment{{flags: "S", seq: 1000}, {flags: "S", seq: 900000000}, {back: true, flags: "SA", seq: 1, ack: 900000001}, {back: true, flags: "SA", seq: 77, ack: 1001}},
			[]Flow{{Conn: 1, Opener: true}, {Conn: 2, Opener: true}, {Conn: 2, Ack: 1}, {Conn: 1, Ack: 1}},
		},
		{
			"a challenged SYN within a connection does not change its numbers",
			[]segment{
				{flags: "S", seq: 1000},
				{back: true, flags: "SA", seq: 5000, ack: 1001},
				{flags: "A", seq: 1001, ack: 5001, len: 5},
				{flags: "S", seq: 2006},
				{back: true, flags: "A", seq: 5001, ack: 1006},
				{flags: "FA", seq: 1006, ack: 5001},
			},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Ack: 1},
				{Conn: 1, Seq: 1, Ack: 1, Opener: true},
				{Conn: 2, Opener: true},
				{Conn: 1, Seq: 1, Ack: 6},
				{Conn: 1, Seq: 6, Ack: 1, Offset: 5, Opener: true},
			},
		},
		{
			"the refusal of a SYN after an earlier connection belongs to the SYN",
			[]segment{
				{flags: "S", seq: 1000},
				{back: true, flags: "SA", seq: 5000, ack: 1001},
				{flags: "S", seq: 2006},
				{back: true, flags: "RA", seq: 0, ack: 2007},
			},
			[]Flow{{Conn: 1, Opener: true}, {Conn: 1, Ack: 1}, {Conn: 2, Opener: true}, {Conn: 2, Ack: 1, Offset: -1}},
		},
		{
			"an answered SYN begins a connection, even if its number is near the last",
			[]segment{
				{flags: "S", seq: 1000},
				{back: true, flags: "SA", seq: 5000, ack: 1001},
				{flags: "S", seq: 2006},
				{back: true, flags: "SA", seq: 7000, ack: 2007},
				{flags: "A", seq: 2007, ack: 7001},
			},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Ack: 1},
				{Conn: 2, Opener: true},
				{Conn: 2, Ack: 1},
				{Conn: 2, Seq: 1, Ack: 1, Opener: true},
			},
		},
		{
			"a late segment is not a retransmission, a repeated one is",
			[]segment{
				{flags: "S", seq: 0},
				{flags: "A", seq: 1, len: 10},
				{flags: "A", seq: 21, len: 10},
				{flags: "A", seq: 11, len: 10},
				{flags: "A", seq: 11, len: 10},
				{flags: "A", seq: 31, len: 10},
			},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Opener: true, Ack: 1, Seq: 1},
				{Conn: 1, Opener: true, Ack: 1, Seq: 21, Offset: 20},
				{Conn: 1, Opener: true, Ack: 1, Seq: 11, Offset: 10},
				{Conn: 1, Opener: true, Ack: 1, Seq: 11, Offset: 10, Retransmission: true},
				{Conn: 1, Opener: true, Ack: 1, Seq: 31, Offset: 30},
			},
		},
		{
			"an empty probe is not a retransmission, a repeated FIN is",
			[]segment{{flags: "S", seq: 0}, {flags: "F", seq: 1}, {flags: "A", seq: 0}, {flags: "F", seq: 1}},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Opener: true, Seq: 1},
				{Conn: 1, Opener: true, Ack: 1, Offset: -1},
				{Conn: 1, Opener: true, Seq: 1, Retransmission: true},
			},
		},
		{
			"the SYN-ACKs of a simultaneous open repeat no SYN, and are one connection",
			[]segment{
				{flags: "S", seq: 1000},
				{back: true, flags: "S", seq: 5000},
				{flags: "SA", seq: 1000, ack: 5001},
				{back: true, flags: "SA", seq: 5000, ack: 1001},
				{flags: "SA", seq: 1000, ack: 5001},
			},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1},
				{Conn: 1, Opener: true, Ack: 1},
				{Conn: 1, Ack: 1},
				{Conn: 1, Opener: true, Ack: 1, Retransmission: true},
			},
		},
		{
			"a byte at the number of the SYN is no retransmission",
			[]segment{{flags: "S", seq: 0}, {flags: "A", seq: 0, len: 1}, {flags: "A", seq: 0, len: 1}},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Opener: true, Ack: 1, Offset: -1},
				{Conn: 1, Opener: true, Ack: 1, Offset: -1, Retransmission: true},
			},
		},
		{
			"the first FIN on data that is sent again is new",
			[]segment{{flags: "S", seq: 0}, {flags: "A", seq: 1, len: 5}, {flags: "FA", seq: 1, len: 5}, {flags: "FA", seq: 1, len: 5}},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Opener: true, Ack: 1, Seq: 1},
				{Conn: 1, Opener: true, Ack: 1, Seq: 1, Retransmission: true, Partial: true},
				{Conn: 1, Opener: true, Ack: 1, Seq: 1, Retransmission: true},
			},
		},
		{
			"a SYN-ACK with another number is no retransmission, and the number that is acknowledged counts",
			[]segment{
				{flags: "S", seq: 1000},
				{back: true, flags: "SA", seq: 5000, ack: 1001},
				{back: true, flags: "SA", seq: 7000000, ack: 1001},
				{host: "server", back: true, flags: "SA", seq: 5000, ack: 1001},
				{flags: "A", seq: 1001, ack: 7000001},
				{flags: "A", seq: 1001, ack: 5001},
				{back: true, flags: "A", seq: 5001, ack: 1001, len: 5},
			},
			[]Flow{
				{Conn: 1, Opener: true},
				{Conn: 1, Ack: 1},
				{Conn: 1, Ack: 1},
				{Conn: 1, Ack: 1},
				{Conn: 1, Opener: true, Seq: 1, Ack: 1},
				{Conn: 1, Opener: true, Seq: 1, Ack: 1},
				{Conn: 1, Seq: 1, Ack: 1},
			},
		},
		{
			"sequence numbers wrap",
			[]segment{{flags: "S", seq: wrap}, {flags: "A", seq: wrap + 1, len: 10}, {flags: "A", seq: wrap + 11, len: 10}},
			[]Flow{{Conn: 1, Opener: true}, {Conn: 1, Opener: true, Ack: 1, Seq: 1}, {Conn: 1, Opener: true, Ack: 1, Seq: 11, Offset: 10}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			flows := NewFlows()
			var got []Flow
			for _, s := range test.segments {
				got = append(got, s.track(t, flows))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("flows (-want +got):\n%s", diff)
			}
		})
	}
}
