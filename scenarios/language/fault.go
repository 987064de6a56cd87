package language

// Fault is a selector, a trigger and an action: which packets, when, and what happens to them.
type Fault struct {
	Name  string   `json:"name" yaml:"-"`
	Match Selector `json:"match,omitzero" jsonschema_description:"Which packets. Default: all."`
	At    string   `json:"at,omitempty" jsonschema_description:"Where it strikes: wire (default), HOST.input or HOST.output."`
	Do    Action   `json:"do" jsonschema_description:"What happens to the packets."`
	Via   string   `json:"via,omitempty" jsonschema:"enum=auto,enum=iptables,enum=tc,enum=nfqueue" jsonschema_description:"The mechanism that carries it out. Default: auto, the plainest that can."`

	Nth    Ints     `json:"nth,omitempty" jsonschema_description:"Strike only these matching packets, counted from 1: 2, or [1, 3, 15]."`
	First  int      `json:"first,omitempty" jsonschema_description:"Strike only the first n matching packets."`
	Skip   int      `json:"skip,omitempty" jsonschema_description:"Let the first n matching packets pass."`
	Every  int      `json:"every,omitempty" jsonschema_description:"Strike every nth matching packet."`
	Chance *Percent `json:"chance,omitempty" jsonschema_description:"Strike each matching packet with this probability, 0% to 100%, seeded."`
	From   EventRef `json:"from,omitempty" jsonschema_description:"Begin at this event."`
	Until  EventRef `json:"until,omitempty" jsonschema_description:"End at this event."`
	After  Duration `json:"after,omitempty" jsonschema_description:"Begin this long after the actors start, or after from."`
	For    Duration `json:"for,omitempty" jsonschema_description:"End this long after the beginning."`

	Only Names `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Pos  Pos   `json:"pos,omitzero" yaml:"-"`
}

// Triggered reports whether the fault strikes only some of the matching packets (nth, first, skip, every, chance).
func (f *Fault) Triggered() bool {
	return len(f.Nth) > 0 || f.First != 0 || f.Skip != 0 || f.Every != 0 || f.Chance != nil
}

// Windowed reports whether the fault is in force only part of the time (from, until, after, for).
func (f *Fault) Windowed() bool {
	return f.From != "" || f.Until != "" || f.After != 0 || f.For != 0
}

// SegmentKind names a sort of TCP segment.
type SegmentKind string

// The segment kinds. A segment is of exactly one kind; the first in the order RST, SYN-ACK, SYN, FIN, DATA, ACK that fits.
const (
	SYN    SegmentKind = "SYN"
	SYNACK SegmentKind = "SYN-ACK"
	// ACK is a bare acknowledgement: no payload, and none of SYN, FIN and RST.
	ACK SegmentKind = "ACK"
	// DATA carries payload, and none of SYN, FIN and RST.
	DATA SegmentKind = "DATA"
	// FIN has the FIN flag, with or without payload.
	FIN SegmentKind = "FIN"
	// RST has the RST flag, with or without ACK.
	RST SegmentKind = "RST"
	// AnySegment is every TCP segment.
	AnySegment SegmentKind = "any"
)

// Selector says which packets. A field left out does not matter; the empty selector takes every IP packet.
type Selector struct {
	From string `json:"from,omitempty" jsonschema_description:"Sending host: the source address is one of its addresses."`
	To   string `json:"to,omitempty" jsonschema_description:"Receiving host: the destination address is one of its addresses."`

	TCP  Kinds  `json:"tcp,omitempty" jsonschema_description:"TCP segments of this kind, or of one of a list: SYN, SYN-ACK, ACK (bare acknowledgement), DATA, FIN, RST, any."`
	UDP  string `json:"udp,omitempty" jsonschema:"enum=any" jsonschema_description:"UDP datagrams: any."`
	ICMP string `json:"icmp,omitempty" jsonschema_description:"ICMP or ICMPv6 messages: any, port-unreachable, host-unreachable, net-unreachable, admin-prohibited, fragmentation-needed, echo-request, echo-reply, time-exceeded."`
	ARP  string `json:"arp,omitempty" jsonschema:"enum=any,enum=request,enum=reply" jsonschema_description:"ARP, or neighbour discovery on IPv6: any, request, reply. In expectations only."`

	Port  Ints `json:"port,omitempty" jsonschema_description:"Source or destination port, or a list of ports."`
	SPort Ints `json:"sport,omitempty" jsonschema_description:"Source port, or a list."`
	DPort Ints `json:"dport,omitempty" jsonschema_description:"Destination port, or a list."`

	Conn           int             `json:"conn,omitempty" jsonschema_description:"The nth connection seen, from 1, among those the rest of the selector matches."`
	Payload        *Payload        `json:"payload,omitempty" jsonschema_description:"What the segment or datagram carries."`
	Retransmission *bool           `json:"retransmission,omitempty" jsonschema_description:"true: only retransmissions; false: only first transmissions."`
	Options        map[string]bool `json:"options,omitempty" jsonschema_description:"TCP options that must be there (true) or must not (false): mss, window-scale, sack-permitted, sack, timestamps, fast-open."`

	Seq    *Count `json:"seq,omitempty" jsonschema_description:"Sequence number relative to the sender's initial one: the SYN has 0."`
	Ack    *Count `json:"ack,omitempty" jsonschema_description:"Acknowledgement number relative to the peer's initial sequence number."`
	Window *Count `json:"window,omitempty" jsonschema_description:"Window field as sent, not scaled."`
	TTL    *Count `json:"ttl,omitempty" jsonschema_description:"TTL or hop limit."`
}

// Payload says what a segment or datagram must carry.
type Payload struct {
	Contains string `yaml:",short" json:"contains,omitempty" jsonschema_description:"Bytes that occur in it, as text."`
	Hex      string `json:"hex,omitempty" jsonschema_description:"Bytes that occur in it, as hex digits; blanks are ignored."`
	Length   *Count `json:"length,omitempty" jsonschema_description:"Number of payload bytes."`
	Offset   *Count `json:"offset,omitempty" jsonschema_description:"Some byte of it has an offset in the stream within this range; the first byte sent has offset 0."`
}

// Action is what a fault does to the packets it strikes. Exactly one field is set; [Action.Kind] names it.
type Action struct {
	Drop      *Drop      `json:"drop,omitempty" jsonschema_description:"Lose the packet silently."`
	Reject    *Reject    `json:"reject,omitempty" jsonschema_description:"Lose the packet and tell the sender."`
	Reset     *Reset     `json:"reset,omitempty" jsonschema_description:"Forge a RST for the connection of the packet."`
	Delay     *Delay     `json:"delay,omitempty" jsonschema_description:"Hold the packet for a time."`
	Hold      *Hold      `json:"hold,omitempty" jsonschema_description:"Hold the packet until an event."`
	Duplicate *Duplicate `json:"duplicate,omitempty" jsonschema_description:"Send the packet more than once."`
	Reorder   *Reorder   `json:"reorder,omitempty" jsonschema_description:"Let later packets overtake the packet."`
	Corrupt   *Corrupt   `json:"corrupt,omitempty" jsonschema_description:"Change payload bytes."`
	Rewrite   *Rewrite   `json:"rewrite,omitempty" jsonschema_description:"Change header fields."`
	Rate      *Rate      `json:"rate,omitempty" jsonschema_description:"Limit the bandwidth."`
	Loss      *Loss      `json:"loss,omitempty" jsonschema_description:"Lose packets in bursts (Gilbert-Elliott)."`
	Replay    *Replay    `json:"replay,omitempty" jsonschema_description:"Let the packet pass and send it again later."`
	Partition *Partition `json:"partition,omitempty" jsonschema_description:"Cut a host off: its link goes down."`
	MTU       *MTU       `json:"mtu,omitempty" jsonschema_description:"Refuse packets longer than this."`
}

// Drop loses the packet silently.
type Drop struct{}

// Reject loses the packet and answers its sender.
type Reject struct {
	With string `yaml:",short" json:"with,omitempty" jsonschema:"enum=tcp-reset,enum=icmp-port-unreachable,enum=icmp-host-unreachable,enum=icmp-net-unreachable,enum=icmp-proto-unreachable,enum=icmp-host-prohibited,enum=icmp-net-prohibited,enum=icmp-admin-prohibited" jsonschema_description:"The answer. Default: icmp-port-unreachable. On IPv6 the ICMPv6 message of the same meaning is sent."`
}

// Reset forges a RST with the right sequence numbers; the packet itself passes.
type Reset struct {
	To string `yaml:",short" json:"to,omitempty" jsonschema:"enum=receiver,enum=sender,enum=both" jsonschema_description:"Who gets the RST, seen from the packet. Default: both."`
}

// Delay holds the packet for a time.
type Delay struct {
	By           Duration `yaml:",short" json:"by" jsonschema_description:"How long."`
	Jitter       Duration `json:"jitter,omitempty" jsonschema_description:"Varies the delay by up to this much (uniform) or by this standard deviation (normal)."`
	Distribution string   `json:"distribution,omitempty" jsonschema:"enum=uniform,enum=normal" jsonschema_description:"Of the jitter. Default: uniform."`
	Order        string   `json:"order,omitempty" jsonschema:"enum=keep,enum=free" jsonschema_description:"keep (default): no packet overtakes another that this fault delays; free: jitter may reorder."`
}

// Hold holds the packet until an event.
type Hold struct {
	Until EventRef `yaml:",short" json:"until" jsonschema_description:"The event."`
}

// Duplicate sends the packet more than once.
type Duplicate struct {
	Copies int `yaml:",short" json:"copies,omitempty" jsonschema_description:"Number of extra packets. Default: 1."`
}

// Reorder lets later packets overtake.
type Reorder struct {
	By int `yaml:",short" json:"by,omitempty" jsonschema_description:"How many later packets overtake. Default: 1."`
}

// Corrupt changes payload bytes.
type Corrupt struct {
	Bytes    int    `yaml:",short" json:"bytes,omitempty" jsonschema_description:"How many bytes are changed. Default: 1."`
	Offset   int    `json:"offset,omitempty" jsonschema_description:"Offset of the first in the payload. Default: 0."`
	Checksum string `json:"checksum,omitempty" jsonschema:"enum=keep,enum=fix" jsonschema_description:"keep (default): the checksum is left as it was, so the receiver notices; fix: it is made right."`
}

// Rewrite changes header fields and makes the checksums right again.
type Rewrite struct {
	Window *int     `json:"window,omitempty" jsonschema_description:"Window field, 0 to 65535."`
	MSS    int      `json:"mss,omitempty" jsonschema_description:"MSS option of a SYN or SYN-ACK."`
	Strip  []string `json:"strip,omitempty" jsonschema_description:"TCP options to take out: timestamps, sack, window-scale, mss, fast-open."`
	TTL    int      `json:"ttl,omitempty" jsonschema_description:"TTL or hop limit, 1 to 255."`
	ECN    string   `json:"ecn,omitempty" jsonschema:"enum=not-ect,enum=ect0,enum=ect1,enum=ce" jsonschema_description:"ECN field."`
	Set    []string `json:"set,omitempty" jsonschema_description:"TCP flags to set."`
	Clear  []string `json:"clear,omitempty" jsonschema_description:"TCP flags to clear."`
}

// Rate limits the bandwidth.
type Rate struct {
	To    BitRate `yaml:",short" json:"to" jsonschema_description:"Bandwidth: 1mbit, 500kbit."`
	Queue Size    `json:"queue,omitempty" jsonschema_description:"Bytes that wait before the queue overflows. Default: 64kB."`
	Burst Size    `json:"burst,omitempty" jsonschema_description:"Bytes that may pass at once. Default: 3kB."`
}

// Loss loses packets in bursts: the Gilbert-Elliott model with a good and a bad state.
type Loss struct {
	GoodToBad Percent  `json:"good-to-bad" jsonschema_description:"Probability of going from good to bad, a packet."`
	BadToGood Percent  `json:"bad-to-good" jsonschema_description:"Probability of going from bad to good, a packet."`
	InBad     *Percent `json:"in-bad,omitempty" jsonschema_description:"Loss in the bad state. Default: 100%."`
	InGood    *Percent `json:"in-good,omitempty" jsonschema_description:"Loss in the good state. Default: 0%."`
}

// Replay lets the packet pass and sends it again later.
type Replay struct {
	After Duration `yaml:",short" json:"after,omitempty" jsonschema_description:"How long after the packet passed."`
	Until EventRef `json:"until,omitempty" jsonschema_description:"The event at which it is sent again, in place of after."`
}

// Partition cuts a host off.
type Partition struct {
	Host      string `yaml:",short" json:"host" jsonschema_description:"The host whose link is cut."`
	Direction string `json:"direction,omitempty" jsonschema:"enum=both,enum=in,enum=out" jsonschema_description:"both (default), in: nothing reaches the host; out: nothing leaves it."`
}

// MTU refuses packets longer than a size that only the wire knows of.
type MTU struct {
	Size int    `yaml:",short" json:"size" jsonschema_description:"Longest IP packet that passes, in bytes."`
	ICMP string `json:"icmp,omitempty" jsonschema:"enum=send,enum=drop" jsonschema_description:"send (default): the sender is told (fragmentation needed, packet too big); drop: it is not, a PMTU black hole."`
}

// Kind names the action that is set, as written in YAML; "" for none.
func (a *Action) Kind() string { return oneOfKind(a) }
