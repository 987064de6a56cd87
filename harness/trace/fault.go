package trace

import "time"

// Fault is a change of a fault.
type Fault struct {
	Name string      `json:"name"`
	What FaultChange `json:"what"`
	// Mechanism carries the fault out: iptables, tc or nfqueue. Why says why it was chosen. Both
	// are set with FaultOn.
	Mechanism string `json:"mechanism,omitempty"`
	Why       string `json:"why,omitempty"`
	// Hand says who switched or added the fault by hand; "" if the scenario switched it. Phrase is the
	// fault, set with FaultAdded.
	Hand string `json:"hand,omitempty"`
	// Holder is set if whoever holds the lab, such as a Go test, switches the fault in place of the
	// scenario. An event of such a fault before the start says that the scenario does not switch it.
	Holder bool   `json:"holder,omitempty"`
	Phrase string `json:"phrase,omitempty"`
	// Hits is the number of packets struck so far.
	Hits uint64 `json:"hits,omitempty"`
	// Host is the host where the packet was struck, Effect what was done to it, By the duration of
	// an effect that has one.
	Host   string        `json:"host,omitempty"`
	Effect Effect        `json:"effect,omitempty"`
	By     time.Duration `json:"by,omitempty"`
	// Packet is the packet as it arrived, from its IP header to the end of its headers.
	Packet []byte `json:"packet,omitempty"`
}

// FaultChange is the subject of a [Fault] event.
type FaultChange string

// The changes of a fault.
const (
	// FaultOn and FaultOff say that the fault is in force from T on, or not any more.
	FaultOn  FaultChange = "on"
	FaultOff FaultChange = "off"
	// FaultAdded says that somebody has added the fault, which the scenario does not have. It is in force
	// only after FaultOn.
	FaultAdded FaultChange = "added"
	// FaultHit is one packet struck. Mechanisms that judge packets one by one report it.
	FaultHit FaultChange = "hit"
	// FaultHits is a reading of the count of packets struck.
	FaultHits FaultChange = "hits"
)
