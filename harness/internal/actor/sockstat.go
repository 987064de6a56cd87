package actor

import (
	"fmt"
	"strconv"
	"strings"
)

// addSockstat adds the counts in /proc/net/sockstat, which has a line of names and numbers for each
// protocol. TCP's inuse becomes tcp_inuse.
func addSockstat(values map[string]int64, table string) error {
	for line := range strings.Lines(table) {
		protocol, rest, ok := strings.Cut(line, ":")
		counts := strings.Fields(rest)
		if !ok || len(counts)%2 != 0 {
			return fmt.Errorf("reading sockstat: invalid line %q: want names and numbers",
				strings.TrimSpace(line))
		}
		for i := 0; i < len(counts); i += 2 {
			n, err := strconv.ParseInt(counts[i+1], 10, 64)
			if err != nil {
				return fmt.Errorf("reading sockstat: %w", err)
			}
			values[strings.ToLower(protocol)+"_"+counts[i]] = n
		}
	}
	return nil
}

// tcpStates are the names of the states by the kernel's number, from 1 (include/net/tcp_states.h).
// CLOSE is left out because no table has it.
var tcpStates = [...]string{
	1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
	8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
	12: "SYN_RECV", // TCP_NEW_SYN_RECV, which the table shows as 3
}

// addStates counts the sockets in /proc/net/tcp by state, as netstat does. A state without sockets
// counts 0.
func addStates(values map[string]int64, table string) error {
	for _, state := range tcpStates {
		if state != "" {
			values["state."+state] += 0
		}
	}
	first := true
	for line := range strings.Lines(table) {
		if first {
			first = false
			continue // the names of the columns
		}
		columns := strings.Fields(line)
		if len(columns) < 4 {
			return fmt.Errorf(
				"reading the table of TCP sockets: invalid line %q: want at least 4 columns",
				strings.TrimSpace(line))
		}
		n, err := strconv.ParseUint(columns[3], 16, 8)
		if err != nil {
			return fmt.Errorf("reading the table of TCP sockets: reading a state: %w", err)
		}
		if n < uint64(len(tcpStates)) && tcpStates[n] != "" {
			values["state."+tcpStates[n]]++
		}
	}
	return nil
}
