package language

import (
	"strconv"
	"strings"
	"time"
)

// Recv is recv(2): once, or until Bytes have come, or to the end of the stream.
type Recv struct {
	Bytes Size     `yaml:",short" json:"bytes,omitempty" jsonschema_description:"Repeat recv(2) until this many bytes have come, the stream ends or it fails. Default: one recv(2)."`
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer of one recv(2). Default: 64kB."`
	Until string   `json:"until,omitempty" jsonschema:"enum=eof" jsonschema_description:"eof: repeat recv(2) until it returns 0 or fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"Flags: dontwait, peek, waitall, oob."`
}

func (r *Recv) check(v *validation, _ *Actor, st *Step) {
	if r.Until != "" && v.has(&r.Bytes) {
		v.errorf(&r.Until, st.Pos, "recv: want one of bytes and until, not both")
	}
	v.flags(r.Flags, st.Pos, "dontwait", "peek", "waitall", "oob")
}

func (*Recv) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Recv) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Recv) Outcomes() []Outcome {
	return []Outcome{OutcomeResult, OutcomeBytes, OutcomeText, OutcomeSHA256}
}

// Arguments returns the condition at which the step stops; for a single recv(2), its flags.
func (r *Recv) Arguments() string {
	switch {
	case r.Until != "":
		return "until " + r.Until
	case r.Bytes != 0:
		return strconv.FormatInt(int64(r.Bytes), 10)
	}
	return strings.Join(r.Flags, ",")
}

// Shows names the number of bytes; 0 is the end of the stream.
func (*Recv) Shows() Shown { return Shown{Part: OutcomeBytes, Nothing: "0, end of stream"} }
