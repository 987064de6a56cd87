package kernel

import (
	"bytes"
	"fmt"
	"strconv"
)

// counted gets a counter, GROUP.NAME, whose bytes are valid until it returns.
type counted func(name []byte, value int64)

// parsePairs passes on the counters of /proc/net/snmp or /proc/net/netstat. Each group has a line of
// names and a line of values; both begin with the group's name and a colon.
func parsePairs(text []byte, each counted) error {
	var name []byte
	for line := 1; len(text) > 0; line += 2 {
		var names, values []byte
		names, text, _ = bytes.Cut(text, []byte("\n"))
		values, text, _ = bytes.Cut(text, []byte("\n"))
		group, names, ok := bytes.Cut(names, []byte(":"))
		if !ok || len(values) == 0 {
			return fmt.Errorf("line %d: want a pair of lines that begin with a group and a colon", line)
		}
		valueGroup, values, ok := bytes.Cut(values, []byte(":"))
		if !ok || !bytes.Equal(valueGroup, group) {
			return fmt.Errorf("line %d: values of %q below names of %q", line+1, valueGroup, group)
		}
		n, v := bytes.Fields(names), bytes.Fields(values)
		if len(n) != len(v) {
			return fmt.Errorf("line %d: %d values for %d names of %s", line+1, len(v), len(n), group)
		}
		for i := range n {
			value, err := parseCounter(string(v[i]))
			if err != nil {
				return fmt.Errorf("line %d: %s.%s: %w", line+1, group, n[i], err)
			}
			name = append(append(append(name[:0], group...), '.'), n[i]...)
			each(name, value)
		}
	}
	return nil
}

// groups6 are the groups of /proc/net/snmp6. A group whose name begins with another group's name
// comes first.
var groups6 = []string{"UdpLite6", "Udp6", "Icmp6", "Ip6"}

// parseLines passes on the counters of /proc/net/snmp6: each line is GROUPNAME VALUE.
func parseLines(text []byte, each counted) error {
	var name []byte
	line := 0
	for l := range bytes.Lines(text) {
		line++
		f := bytes.Fields(l)
		if len(f) != 2 {
			return fmt.Errorf("line %d: %d words, want a name and a value", line, len(f))
		}
		value, err := parseCounter(string(f[1]))
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", line, f[0], err)
		}
		name = append(name[:0], f[0]...)
		for _, group := range groups6 {
			if rest, ok := bytes.CutPrefix(f[0], []byte(group)); ok {
				name = append(append(append(name[:0], group...), '.'), rest...)
				break
			}
		}
		each(name, value)
	}
	return nil
}

// parseCounter reads a counter, which the kernel prints signed or unsigned. A value beyond the
// range of int64 wraps, so that differences stay right.
func parseCounter(s string) (int64, error) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, nil
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return int64(v), err
}
