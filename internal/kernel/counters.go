package kernel

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// parsePairs adds the counters of /proc/net/snmp or /proc/net/netstat to values. Each group has a
// line of names and a line of values; both begin with the group's name and a colon.
func parsePairs(values map[string]int64, text []byte) error {
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i := 0; i < len(lines); i += 2 {
		if lines[i] == "" && len(lines) == 1 {
			return nil
		}
		group, names, ok := strings.Cut(lines[i], ":")
		if !ok || i+1 == len(lines) {
			return fmt.Errorf("line %d: want a pair of lines that begin with a group and a colon", i+1)
		}
		valueGroup, numbers, ok := strings.Cut(lines[i+1], ":")
		if !ok || valueGroup != group {
			return fmt.Errorf("line %d: values of %q below names of %q", i+2, valueGroup, group)
		}
		n, v := strings.Fields(names), strings.Fields(numbers)
		if len(n) != len(v) {
			return fmt.Errorf("line %d: %d values for %d names of %s", i+2, len(v), len(n), group)
		}
		for j := range n {
			value, err := parseCounter(v[j])
			if err != nil {
				return fmt.Errorf("line %d: %s.%s: %w", i+2, group, n[j], err)
			}
			values[group+"."+n[j]] = value
		}
	}
	return nil
}

// groups6 are the groups of /proc/net/snmp6. A group whose name begins with another group's name
// comes first.
var groups6 = []string{"UdpLite6", "Udp6", "Icmp6", "Ip6"}

// parseLines adds the counters of /proc/net/snmp6 to values: each line is GROUPNAME VALUE.
func parseLines(values map[string]int64, text []byte) error {
	line := 0
	for l := range bytes.Lines(text) {
		line++
		f := strings.Fields(string(l))
		if len(f) != 2 {
			return fmt.Errorf("line %d: %d words, want a name and a value", line, len(f))
		}
		value, err := parseCounter(f[1])
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", line, f[0], err)
		}
		name := f[0]
		for _, group := range groups6 {
			if rest, ok := strings.CutPrefix(name, group); ok {
				name = group + "." + rest
				break
			}
		}
		values[name] = value
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
