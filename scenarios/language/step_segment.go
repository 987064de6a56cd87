package language

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
