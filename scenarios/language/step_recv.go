package language

import (
	"fmt"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
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
		v.errorf(code.ConflictingKeys, &r.Until, st.Pos,
			"recv: want one of bytes and until, not both")
	}
	v.flags(r.Flags, st.Pos, "dontwait", "peek", "waitall", "oob")
}

func (*Recv) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Recv) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Recv) Outcomes() []Outcome {
	return []Outcome{OutcomeResult, OutcomeBytes, OutcomeText, OutcomeSHA256}
}

// Arguments returns the condition at which the step stops, the length of the buffer and the flags:
// "until 64 bytes", "at most 4, peek".
func (r *Recv) Arguments() string {
	var args []string
	switch {
	case r.Until != "":
		args = append(args, "until "+r.Until)
	case r.Bytes != 0:
		args = append(args, "until "+say.Count(int64(r.Bytes), "byte"))
	}
	return recvArguments(args, r.Max, r.Flags)
}

// recvArguments adds the length of the buffer and the flags of one recv(2).
func recvArguments(args []string, most Size, flags []string) string {
	if most != 0 {
		args = append(args, fmt.Sprintf("at most %d", most))
	}
	if len(flags) > 0 {
		args = append(args, strings.Join(flags, ","))
	}
	return strings.Join(args, ", ")
}

// Shows names the number of bytes; 0 is the end of the stream.
func (*Recv) Shows() Shown { return Shown{Part: OutcomeBytes, Nothing: "0, end of stream"} }
