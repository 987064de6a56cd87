package language

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

// maxPort is the highest port of TCP and UDP.
const maxPort = 65535

// Port is a port, 1 to 65535, or a range of ports: 8080, 40000..40010.
type Port struct {
	// First and Last are inclusive; they are equal for a single port.
	First, Last int
}

// Ports is a list of ports and ranges of ports; in YAML, one may stand for a list of one. An empty
// list stands for every port.
type Ports []Port

// PortList returns a list of single ports.
func PortList(ports ...int) Ports {
	list := make(Ports, len(ports))
	for i, port := range ports {
		list[i] = Port{port, port}
	}
	return list
}

// otherRange matches ranges of ports as iptables and nmap write them.
var otherRange = pattern.New(`^([0-9]+)[:-]([0-9]+)$`)

// Set parses a port or a range of ports.
func (p *Port) Set(text string) error {
	low, high, isRange := strings.Cut(strings.TrimSpace(text), "..")
	if !isRange {
		high = low
	}
	first, err := strconv.Atoi(strings.TrimSpace(low))
	last, err2 := strconv.Atoi(strings.TrimSpace(high))
	if err != nil || err2 != nil {
		remedy := "want 1 to 65535, or a range such as 40000..40010"
		if m := otherRange.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			remedy = fmt.Sprintf("write a range as %s..%s", m[1], m[2])
		}
		return code.Errorf(code.InvalidPort,
			"invalid port %q: %s", say.Clip(text), code.Advice(remedy))
	}
	for _, n := range []int{first, last} {
		if n < 1 || n > maxPort {
			return code.Errorf(code.InvalidPort, "invalid port %d: want 1 to 65535", n)
		}
	}
	if first > last {
		return code.Errorf(code.InvalidRange,
			"invalid range %q: %d is more than %d; want the lower port first",
			say.Clip(text), first, last)
	}
	*p = Port{first, last}
	return nil
}

// String returns the port or the range as it is written in YAML.
func (p Port) String() string {
	if p.First == p.Last {
		return strconv.Itoa(p.First)
	}
	return fmt.Sprintf("%d..%d", p.First, p.Last)
}

// MarshalJSON writes a port as a number, and a range as text.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.First == p.Last {
		return json.Marshal(p.First)
	}
	return json.Marshal(p.String())
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Port) UnmarshalJSON(data []byte) error {
	if n, err := strconv.Atoi(string(data)); err == nil {
		*p = Port{n, n}
		return nil
	}
	return unmarshalText(data, p)
}

// UnmarshalJSON reads a list of ports, or one port, as earlier versions wrote it for sockets.
func (p *Ports) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		*p = Ports{{}}
		return (*p)[0].UnmarshalJSON(data)
	}
	return json.Unmarshal(data, (*[]Port)(p))
}

// Contain reports whether a port is in the list. An empty list does not contain any.
func (p Ports) Contain(port int) bool {
	return slices.ContainsFunc(p, func(r Port) bool { return r.First <= port && port <= r.Last })
}

// String joins the ports: "80 or 40000..40010".
func (p Ports) String() string {
	words := make([]string, len(p))
	for i := range p {
		words[i] = p[i].String()
	}
	return strings.Join(words, " or ")
}
