package language

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/sysctl"
)

// Setsockopt is setsockopt(2), once for each option.
type Setsockopt struct {
	Options []SockOption `yaml:",whole" json:"options"`
}

// SockOption is a socket option and its value: a number, a duration (SO_SNDTIMEO, SO_RCVTIMEO), a
// word (TCP_CONGESTION), or for SO_LINGER "off" or a duration. A time that is a number counts in the
// kernel's unit, seconds but for TCP_USER_TIMEOUT.
type SockOption struct {
	Name  string `yaml:",name" json:"name"`
	Value string `yaml:",value" json:"value"`
	Pos   Pos    `json:"pos,omitzero"`
}

func (s *Setsockopt) check(v *validation, _ *Actor, st *Step) {
	if len(s.Options) == 0 {
		v.errorf(code.MissingValue, s, st.Pos,
			"setsockopt: want options and their values, such as {TCP_NODELAY: 1}")
	}
	for i := range s.Options {
		o := &s.Options[i]
		form, ok := sockOptionForms[o.Name]
		if !ok {
			v.unknownSockOption(&o.Name, o.Pos, o.Name)
			continue
		}
		if problem := form.check(o.Value); problem != "" {
			v.errorf(code.InvalidValue, &o.Value, o.Pos,
				"invalid %s %q: %s", o.Name, say.Clip(o.Value), code.Advice(problem))
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
	optionSeconds             // a number of seconds, or a duration
	optionMillis              // a number of milliseconds, or a duration
	optionDuration            // a duration
	optionLinger              // off, or as optionSeconds
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

	"TCP_CONGESTION": optionWord, "TCP_CORK": optionNumber, "TCP_DEFER_ACCEPT": optionSeconds,
	"TCP_FASTOPEN": optionNumber, "TCP_FASTOPEN_CONNECT": optionNumber,
	"TCP_FASTOPEN_NO_COOKIE": optionNumber, "TCP_INQ": optionNumber, "TCP_KEEPCNT": optionNumber,
	"TCP_KEEPIDLE": optionSeconds, "TCP_KEEPINTVL": optionSeconds, "TCP_LINGER2": optionSeconds,
	"TCP_MAXSEG": optionNumber, "TCP_NODELAY": optionNumber, "TCP_NOTSENT_LOWAT": optionNumber,
	"TCP_QUICKACK": optionNumber, "TCP_SAVE_SYN": optionNumber, "TCP_SYNCNT": optionNumber,
	"TCP_THIN_DUPACK": optionNumber, "TCP_THIN_LINEAR_TIMEOUTS": optionNumber,
	"TCP_TIMESTAMP": optionNumber, "TCP_USER_TIMEOUT": optionMillis, "TCP_WINDOW_CLAMP": optionNumber,

	"SIOCINQ": optionReadOnly, "SIOCOUTQ": optionReadOnly, "SIOCOUTQNSD": optionReadOnly,
}

// unit returns what the kernel counts in if the option is a time, else 0.
func (f optionForm) unit() time.Duration {
	switch f {
	case optionSeconds, optionLinger:
		return time.Second
	case optionMillis:
		return time.Millisecond
	case optionDuration:
		return time.Microsecond // struct timeval
	}
	return 0
}

// check returns the problem with the value of an option; "" if there is none. A number that the
// kernel refuses is none: the errno is then what the scenario is about.
func (f optionForm) check(value string) string {
	n, notNumber := strconv.ParseInt(value, 0, 64)
	d, notDuration := parseDuration(value)
	switch {
	case f == optionReadOnly:
		return "it can only be read, by getsockopt"
	case f == optionWord && value == "":
		return "want a word"
	case f == optionWord, f == optionLinger && value == "off":
		return ""
	case notNumber == nil && f != optionDuration:
		// setsockopt(2) takes an int, which the kernel may read as unsigned.
		if n < math.MinInt32 || n > math.MaxUint32 {
			return "want a number of 32 bits, -2147483648 to 4294967295"
		}
		return ""
	case notDuration == nil && f != optionNumber:
		return f.fits(d)
	case f == optionNumber:
		return "want a number"
	case f == optionDuration:
		return "want a duration, such as 1s"
	case f == optionLinger:
		return "want off, or a duration such as 5s"
	}
	return "want a number, or a duration such as 2s"
}

// fits returns the problem with a duration: the kernel's unit cannot hold it.
func (f optionForm) fits(d time.Duration) string {
	unit := f.unit()
	whole := d.Truncate(unit)
	counts := "the kernel counts whole " + sysctl.UnitName(unit)
	switch {
	case f != optionDuration && d/unit > math.MaxInt32:
		return fmt.Sprintf("want at most %s: %s, in 31 bits", say.Duration(math.MaxInt32*unit), counts)
	case d == whole:
		return ""
	case whole == 0:
		return fmt.Sprintf("%s: write %s or more", counts, say.Duration(unit))
	}
	return fmt.Sprintf("%s: write %s or %s", counts, say.Duration(whole), say.Duration(whole+unit))
}
