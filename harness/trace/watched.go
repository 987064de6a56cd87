package trace

// Watched says how far an event has come that the run watches for, because its scenario waits for it: a
// line of a program, a packet, or a socket that comes to a state. It is written when the event has
// happened and, of packets and of sockets that did not come, at the end of the run.
type Watched struct {
	// Event is its reference in canonical form, as language.EventRef has it.
	Event string `json:"event"`
	// Happened is set if the event happened at T.
	Happened bool `json:"happened,omitempty"`
	// Seen counts what was as the event wants it, up to now or up to the event.
	Seen int64 `json:"seen,omitempty"`
	// Host is where the packet or the socket of the event was seen. Packet is the packet as it arrived
	// there, from its IP header to the end of its headers.
	Host   string `json:"host,omitempty"`
	Packet []byte `json:"packet,omitempty"`
}
