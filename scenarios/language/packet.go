package language

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"

	"halfopen/internal/say"
)

// The addresses of a lab, which are reserved for measurements and never somebody's LAN.
var (
	labV4 = netip.MustParsePrefix("198.18.0.0/15") // RFC 2544, section C.2.2
	labV6 = netip.MustParsePrefix("2001:2::/48")   // RFC 5180, section 8
)

// Nobody returns the addresses of a lab that no host ever has. What is sent to them is lost on the wire, and no sender is
// told.
func Nobody(f Family) netip.Prefix {
	if f == V6 {
		return netip.MustParsePrefix("2001:2:0:8000::/49")
	}
	return netip.MustParsePrefix("198.19.0.0/16")
}

// Flood sends SYNs of which no socket knows, each from an address and port of its own as long as there are any. The
// outcome's result is how many were sent.
type Flood struct {
	To    string `json:"to" jsonschema_description:"As for connect."`
	Count int    `json:"count" jsonschema_description:"How many SYNs, 1 to 1000000."`
	Rate  int    `json:"rate,omitempty" jsonschema_description:"SYNs a second. Default: as many as the machine can."`
	From  string `json:"from,omitempty" jsonschema_description:"Source addresses, as a prefix of the lab's. Default: 198.19.0.0/16 or 2001:2:0:8000::/49, which no host has and nobody answers for."`
}

// Segment sends one packet that an actor makes itself. It is that of a socket, whose addresses and numbers it has where
// none are given, if the step names one or there is no To; the socket does not learn of it. The outcome's result is the
// length of the packet, its bytes those of the payload.
type Segment struct {
	Data
	To   string `json:"to,omitempty" jsonschema_description:"As for connect; for ICMP without a port. Default: the socket's peer."`
	From string `json:"from,omitempty" jsonschema_description:"Source, written as to. Default: the socket's own address, else the host's first one and port 40000."`
	UDP  bool   `json:"udp,omitempty" jsonschema_description:"A UDP datagram. Default: a TCP segment, or what the socket is of."`
	ICMP string `json:"icmp,omitempty" jsonschema:"enum=echo-request,enum=echo-reply" jsonschema_description:"An ICMP or ICMPv6 message: echo-request or echo-reply."`

	Flags   []string        `json:"flags,omitempty" jsonschema_description:"TCP flags: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. Default with a socket: ACK, and PSH with data."`
	Seq     Number          `json:"seq,omitempty" jsonschema_description:"Sequence number. With a socket: relative to its initial one, or next, next+100, next-1 (default: next), the first not yet sent. Without: as it stands in the header, 0 by default."`
	Ack     Number          `json:"ack,omitempty" jsonschema_description:"Acknowledgement number. With a socket: relative to the peer's initial sequence number, or next (default with the flag ACK), the first not yet received."`
	Window  *int            `json:"window,omitempty" jsonschema_description:"Window field, 0 to 65535. Default: the socket's, else 64240."`
	TTL     int             `json:"ttl,omitempty" jsonschema_description:"TTL or hop limit, 1 to 255. Default: 64."`
	Options *SegmentOptions `json:"options,omitempty" jsonschema_description:"TCP options. Default: none."`
}

// SegmentOptions are the TCP options of a segment.
type SegmentOptions struct {
	MSS           *int               `json:"mss,omitempty" jsonschema_description:"Maximum segment size, 0 to 65535."`
	WindowScale   *int               `json:"window-scale,omitempty" jsonschema_description:"Shift count, 0 to 255; more than 14 is an error that receivers must survive."`
	SACKPermitted bool               `json:"sack-permitted,omitempty" jsonschema_description:"SACK may be used."`
	Timestamps    *SegmentTimestamps `json:"timestamps,omitempty" jsonschema_description:"Timestamps."`
}

// SegmentTimestamps is the TCP option timestamps.
type SegmentTimestamps struct {
	Value Number `yaml:",short" json:"value" jsonschema_description:"TSval: a number; with a socket also now, now-5000, now+1: its clock, in ms."`
	Echo  Number `json:"echo,omitempty" jsonschema_description:"TSecr: a number. Default: 0."`
}

// Number is a 32-bit number of a TCP header, or one that is counted from what a socket has at the moment: next, next-1,
// now+5000.
type Number string

var numberForm = regexp.MustCompile(`^([a-z]*)([+-]?[0-9]+)?$`)

// Parse returns the word the number is counted from, "" for none, and what is added to it.
func (n Number) Parse() (base string, offset int64, err error) {
	m := numberForm.FindStringSubmatch(string(n))
	wrong := m == nil || n == "" || m[1] != "" && m[2] != "" && m[2][0] >= '0'
	if !wrong && m[2] != "" {
		offset, err = strconv.ParseInt(m[2], 10, 64)
		wrong = err != nil
	}
	switch {
	case wrong:
		return "", 0, fmt.Errorf("%q is no number: want one such as 1 or -1, or one such as next+100", say.Clip(string(n)))
	case offset < -1<<31 || offset >= 1<<32:
		return "", 0, fmt.Errorf("%q is outside %d to %d", say.Clip(string(n)), -1<<31, 1<<32-1)
	}
	return m[1], offset, nil
}

func (n *Number) parse(text string) error {
	*n = Number(text)
	_, _, err := n.Parse()
	return err
}
