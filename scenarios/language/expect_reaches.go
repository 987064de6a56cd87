package language

import (
	"fmt"
	"time"
)

// ReachesExpectation wants some socket to come to a state.
type ReachesExpectation struct {
	Reaches SocketSelector `json:"reaches" jsonschema_description:"A socket comes to this state, however briefly. Queues, timer and retransmissions are those of one sample of it, all at the same moment."`
	At      *Span          `json:"at,omitempty" jsonschema_description:"When the first socket comes to the state, counted from since. With queues, timer or retransmissions, when the first sample shows it."`
	Since   EventRef       `json:"since,omitempty" jsonschema_description:"The event that at is counted from. Default: the start of the actors."`
	RecvQ   *Count         `json:"recv-q,omitempty" jsonschema_description:"Its receive queue; of a listener, the number of connections that wait for accept."`
	SendQ   *Count         `json:"send-q,omitempty" jsonschema_description:"Its send queue; of a listener, its backlog."`
	Timer   string         `json:"timer,omitempty" jsonschema:"enum=off,enum=on,enum=keepalive,enum=timewait,enum=persist" jsonschema_description:"Its timer, with the name that ss has for it."`
	Retrans *Count         `json:"retrans,omitempty" jsonschema_description:"Its number of unanswered retransmissions or probes."`
}

func (r *ReachesExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&r.Reaches, pos)
	v.since(&r.Since, r.At != nil, pos)
}

// String is the title of its verdict: "reaches: client in CLOSE_WAIT at 4s since client.connect".
func (r *ReachesExpectation) String() string {
	title := "reaches: " + r.Socket()
	if r.At != nil {
		title += " at " + r.At.Source
		if r.Since != "" {
			title += " since " + string(r.Since)
		}
	}
	return title
}

// HasDetails reports whether more is wanted than a state.
func (r *ReachesExpectation) HasDetails() bool {
	return r.RecvQ != nil || r.SendQ != nil || r.Timer != "" || r.Retrans != nil
}

// Socket says what the socket must be like: "server local port 8080 in LISTEN with recv-q 3 with
// send-q 2".
func (r *ReachesExpectation) Socket() string {
	text := r.Reaches.String()
	for _, f := range []struct {
		key  string
		want *Count
	}{{"recv-q", r.RecvQ}, {"send-q", r.SendQ}, {"retrans", r.Retrans}} {
		if f.want != nil {
			text += fmt.Sprintf(" with %s %s", f.key, f.want)
		}
	}
	if r.Timer != "" {
		text += " with timer " + r.Timer
	}
	return text
}

func (r *ReachesExpectation) lasts(latest bool) time.Duration { return lastsOf(r.At, latest) }

func (r *ReachesExpectation) begins() EventRef { return r.Since }

func (r *ReachesExpectation) observed() bool { return true }

func (r *ReachesExpectation) sampledAt() []EventRef { return nil }
