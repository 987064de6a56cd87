package language

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/say"
)

// Setsockopt is setsockopt(2), once for each option.
type Setsockopt struct {
	Options []SockOption `yaml:",whole" json:"options"`
}

// SockOption is a socket option and its value: a number, a duration (SO_SNDTIMEO, SO_RCVTIMEO), a
// word (TCP_CONGESTION), or for SO_LINGER "off" or a duration.
type SockOption struct {
	Name  string `yaml:",name" json:"name"`
	Value string `yaml:",value" json:"value"`
	Pos   Pos    `json:"pos,omitzero"`
}

func (s *Setsockopt) check(v *validation, _ *Actor, st *Step) {
	if len(s.Options) == 0 {
		v.errorf(s, st.Pos, "setsockopt: want options and their values, such as {TCP_NODELAY: 1}")
	}
	for i := range s.Options {
		o := &s.Options[i]
		form, ok := sockOptionForms[o.Name]
		if !ok {
			v.unknownSockOption(&o.Name, o.Pos, o.Name)
			continue
		}
		if problem := form.check(o.Value); problem != "" {
			v.errorf(&o.Value, o.Pos, "invalid %s %q: %s", o.Name, say.Clip(o.Value), problem)
		}
	}
}

func (*Setsockopt) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Setsockopt) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Setsockopt) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the options and their values.
func (s *Setsockopt) Arguments() string {
	options := make([]string, len(s.Options))
	for i, o := range s.Options {
		options[i] = o.Name + "=" + o.Value
	}
	return strings.Join(options, ", ")
}

// Serves reports false: the socket has no address yet.
func (*Setsockopt) Serves() bool { return false }

func (v *validation) unknownSockOption(field *string, pos Pos, name string) {
	v.oneOf(field, pos, "socket option", name, slices.Sorted(maps.Keys(sockOptionForms)))
}

// optionForm is the form of the value of a socket option.
type optionForm int

const (
	optionNumber   optionForm = iota
	optionTime                // a number in the option's unit, or a duration
	optionDuration            // a duration
	optionLinger              // off, or as optionTime
	optionWord
	optionReadOnly
)

// sockOptionForms are the socket options that steps may name.
var sockOptionForms = map[string]optionForm{
	"SO_ACCEPTCONN": optionReadOnly, "SO_BINDTODEVICE": optionWord, "SO_BROADCAST": optionNumber,
	"SO_BUSY_POLL": optionNumber, "SO_DEBUG": optionNumber, "SO_DOMAIN": optionReadOnly,
	"SO_DONTROUTE": optionNumber, "SO_ERROR": optionReadOnly, "SO_INCOMING_CPU": optionNumber,
	"SO_KEEPALIVE": optionNumber, "SO_LINGER": optionLinger, "SO_MARK": optionNumber,
	"SO_MAX_PACING_RATE": optionNumber, "SO_OOBINLINE": optionNumber, "SO_PRIORITY": optionNumber,
	"SO_PROTOCOL": optionReadOnly, "SO_RCVBUF": optionNumber, "SO_RCVBUFFORCE": optionNumber,
	"SO_RCVLOWAT": optionNumber, "SO_RCVTIMEO": optionDuration, "SO_REUSEADDR": optionNumber,
	"SO_REUSEPORT": optionNumber, "SO_SNDBUF": optionNumber, "SO_SNDBUFFORCE": optionNumber,
	"SO_SNDLOWAT": optionNumber, "SO_SNDTIMEO": optionDuration, "SO_TIMESTAMP": optionNumber,
	"SO_TYPE": optionReadOnly,

	"IP_BIND_ADDRESS_NO_PORT": optionNumber, "IP_FREEBIND": optionNumber,
	"IP_LOCAL_PORT_RANGE": optionNumber, "IP_MINTTL": optionNumber, "IP_MTU": optionReadOnly,
	"IP_MTU_DISCOVER": optionNumber, "IP_RECVERR": optionNumber, "IP_TOS": optionNumber,
	"IP_TRANSPARENT": optionNumber, "IP_TTL": optionNumber,

	"IPV6_FREEBIND": optionNumber, "IPV6_MTU": optionNumber, "IPV6_MTU_DISCOVER": optionNumber,
	"IPV6_RECVERR": optionNumber, "IPV6_TCLASS": optionNumber, "IPV6_TRANSPARENT": optionNumber,
	"IPV6_UNICAST_HOPS": optionNumber, "IPV6_V6ONLY": optionNumber,

	"TCP_CONGESTION": optionWord, "TCP_CORK": optionNumber, "TCP_DEFER_ACCEPT": optionTime,
	"TCP_FASTOPEN": optionNumber, "TCP_FASTOPEN_CONNECT": optionNumber,
	"TCP_FASTOPEN_NO_COOKIE": optionNumber, "TCP_INQ": optionNumber, "TCP_KEEPCNT": optionNumber,
	"TCP_KEEPIDLE": optionTime, "TCP_KEEPINTVL": optionTime, "TCP_LINGER2": optionTime,
	"TCP_MAXSEG": optionNumber, "TCP_NODELAY": optionNumber, "TCP_NOTSENT_LOWAT": optionNumber,
	"TCP_QUICKACK": optionNumber, "TCP_SAVE_SYN": optionNumber, "TCP_SYNCNT": optionNumber,
	"TCP_THIN_DUPACK": optionNumber, "TCP_THIN_LINEAR_TIMEOUTS": optionNumber,
	"TCP_TIMESTAMP": optionNumber, "TCP_USER_TIMEOUT": optionTime, "TCP_WINDOW_CLAMP": optionNumber,

	"SIOCINQ": optionReadOnly, "SIOCOUTQ": optionReadOnly, "SIOCOUTQNSD": optionReadOnly,
}

// check returns the problem with the value of an option; "" if there is none.
func (f optionForm) check(value string) string {
	_, notNumber := strconv.ParseInt(value, 0, 64)
	_, notDuration := parseDuration(value)
	switch {
	case f == optionReadOnly:
		return "it can only be read, by getsockopt"
	case f == optionNumber && notNumber != nil:
		return "want a number"
	case f == optionDuration && notDuration != nil:
		return "want a duration, such as 1s"
	case f == optionTime && notNumber != nil && notDuration != nil:
		return "want a number, or a duration such as 2s"
	case f == optionLinger && value != "off" && notNumber != nil && notDuration != nil:
		return "want off, or a duration such as 5s"
	case f == optionWord && value == "":
		return "want a word"
	}
	return ""
}
