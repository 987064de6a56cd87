package language

import (
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Flood sends SYNs that no socket knows of, each from a different address and port while there are
// any left. The result of the outcome is the number sent.
type Flood struct {
	To    string `json:"to" jsonschema_description:"HOST:PORT, as for connect."`
	Count int    `json:"count" jsonschema_description:"How many SYNs, 1 to 1000000."`
	Rate  int    `json:"rate,omitempty" jsonschema_description:"SYNs a second. Default: as fast as the machine can."`
	From  string `json:"from,omitempty" jsonschema_description:"Source addresses: a prefix of addresses of the lab. Default: 198.19.0.0/16 or 2001:2:0:8000::/49, which no host has and nobody answers for."`
}

// maxFlood bounds the SYNs of one flood step. Each is in the trace four times: once for each end of
// two links.
const maxFlood = 1_000_000

func (f *Flood) check(v *validation, _ *Actor, st *Step) {
	pos := st.Pos
	v.target(&f.To, pos, f.To)
	if f.Count < 1 || f.Count > maxFlood {
		v.errorf(code.OutOfRange, &f.Count, pos,
			"flood: invalid count %d: want 1 to %d", f.Count, maxFlood)
	}
	if v.has(&f.Rate) && f.Rate < 0 {
		v.errorf(code.OutOfRange, &f.Rate, pos, "flood: invalid rate %d: want 0 or more", f.Rate)
	}
	if v.wireless() {
		v.errorf(code.WrongShape, f, pos,
			"flood needs the wire, on which the answers are lost: want shape: wire, not %s",
			v.s.Network.Shape)
	}
	if v.has(&f.From) {
		v.sources(&f.From, pos, f.From)
	}
}

func (*Flood) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (f *Flood) lasts() time.Duration {
	if f.Rate <= 0 {
		return 0
	}
	return time.Duration(f.Count) * time.Second / time.Duration(f.Rate)
}

// Outcomes lists what expectations can judge.
func (*Flood) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the destination and the number of SYNs: "server:8080, 1000 SYNs".
func (f *Flood) Arguments() string { return f.To + ", " + say.Count(f.Count, "SYN") }
