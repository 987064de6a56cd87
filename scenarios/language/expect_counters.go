package language

import (
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

var counterName = pattern.New(`^[A-Za-z][A-Za-z0-9_]*$`)

// CountersExpectation judges how much kernel counters rose during the run.
type CountersExpectation struct {
	Counters []CounterVal `json:"counters" jsonschema_description:"How much kernel counters rose: {HOST.GROUP.NAME: 6}. Groups: Tcp, TcpExt, Ip, IpExt, Icmp, Udp, Ip6, Icmp6, Udp6. Counters joined by + are added up."`
}

// CounterVal is the expected rise of a counter, or of the sum of several.
type CounterVal struct {
	// Name is HOST.GROUP.NAME, such as client.TcpExt.TCPTimeouts, or several of these joined by +.
	Name string `yaml:",name" json:"name"`
	Is   Count  `yaml:",value" json:"is"`
	Pos  Pos    `json:"pos,omitzero"`
}

// Terms returns the counters of the sum, each HOST.GROUP.NAME; there is only one if the name has no
// +.
func (c *CounterVal) Terms() []string {
	terms := strings.Split(c.Name, "+")
	for i := range terms {
		terms[i] = strings.TrimSpace(terms[i])
	}
	return terms
}

func (c *CountersExpectation) check(v *validation, pos Pos) {
	if len(c.Counters) == 0 {
		v.errorf(code.MissingKey, &c.Counters, pos,
			"counters: want at least one HOST.GROUP.NAME and how much it rose")
	}
	for i := range c.Counters {
		k := &c.Counters[i]
		terms := k.Terms()
		for j, term := range terms {
			parts := strings.Split(term, ".")
			if term == "" {
				v.errorf(code.InvalidName, &k.Name, k.Pos,
					"a sum of counters needs a counter on both sides of each +")
				continue
			}
			if len(parts) != 3 || !counterName.MatchString(parts[2]) {
				v.errorf(code.InvalidName, &k.Name, k.Pos,
					"invalid counter %q: want HOST.GROUP.NAME, such as client.TcpExt.TCPTimeouts, or a sum of several",
					say.Clip(term))
				continue
			}
			if slices.Contains(terms[:j], term) {
				v.errorf(code.DuplicateEntry, &k.Name, k.Pos,
					"%s is in the sum twice; keep one", term)
			}
			v.host(&k.Name, k.Pos, parts[0], true)
			v.oneOf(&k.Name, k.Pos, "group of counters", parts[1], CounterGroups())
		}
	}
}

// String is the title of its verdict: "counters: client.TcpExt.TCPTimeouts 6".
func (c *CountersExpectation) String() string {
	parts := make([]string, len(c.Counters))
	for i := range c.Counters {
		parts[i] = c.Counters[i].Name + " " + c.Counters[i].Is.String()
	}
	return "counters: " + strings.Join(parts, ", ")
}

func (*CountersExpectation) lasts(bool) time.Duration { return 0 }

func (*CountersExpectation) begins() EventRef { return "" }

func (*CountersExpectation) observed() bool { return false }

func (*CountersExpectation) sampledAt() []EventRef { return nil }
