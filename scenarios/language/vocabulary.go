package language

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// CounterGroups are the groups of kernel counters that expectations may name.
func CounterGroups() []string {
	return []string{"Tcp", "TcpExt", "Ip", "IpExt", "Icmp", "Udp", "Ip6", "Icmp6", "Udp6"}
}

// TCPFlagNames are the flags that scenarios may name, from the lowest bit of the header's field (RFC 9293, section 3.1).
func TCPFlagNames() []string {
	return []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}
}

// TCPOption is a TCP option that scenarios may name.
type TCPOption struct {
	Name string
	// Kind is its number (IANA, TCP Option Kind Numbers).
	Kind uint8
}

// TCPOptions returns the options that selectors may name.
func TCPOptions() []TCPOption {
	return []TCPOption{
		{"mss", 2}, {"window-scale", 3}, {"sack-permitted", 4}, {"sack", 5}, {"timestamps", 8}, {"fast-open", 34},
	}
}

// TCPOptionNames returns the names of [TCPOptions].
func TCPOptionNames() []string {
	var names []string
	for _, o := range TCPOptions() {
		names = append(names, o.Name)
	}
	return names
}

// TCPOptionKind returns the number of a TCP option; ok is false for an unknown name.
func TCPOptionKind(name string) (kind uint8, ok bool) {
	for _, o := range TCPOptions() {
		if o.Name == name {
			return o.Kind, true
		}
	}
	return 0, false
}

// ICMPKinds are the words that stand for ICMP messages in selectors.
func ICMPKinds() []string {
	return []string{
		"any", "port-unreachable", "host-unreachable", "net-unreachable", "admin-prohibited", "fragmentation-needed",
		"echo-request", "echo-reply", "time-exceeded",
	}
}

// stripNames are the TCP options that rewrite can take out. Its sack is both sack-permitted and sack.
var stripNames = []string{"timestamps", "sack", "window-scale", "mss", "fast-open"}

// errnoNames are the names of errors as the kernel numbers them; of two names for one number, the one in traces.
func errnoNames() []string {
	var names []string
	for e := syscall.Errno(1); e <= 133; e++ {
		if name := unix.ErrnoName(e); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// errnoAliases are second names for the same number on Linux.
var errnoAliases = map[string]string{"EWOULDBLOCK": "EAGAIN", "EOPNOTSUPP": "ENOTSUP", "EDEADLOCK": "EDEADLK"}

// signalNames are the names of signals without SIG.
func signalNames() []string {
	var names []string
	for s := syscall.Signal(1); s <= 31; s++ {
		if name, ok := strings.CutPrefix(unix.SignalName(s), "SIG"); ok {
			names = append(names, name)
		}
	}
	return names
}

// optionForm is how the value of a socket option is written.
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
	"SO_ACCEPTCONN": optionReadOnly, "SO_BINDTODEVICE": optionWord, "SO_BROADCAST": optionNumber, "SO_BUSY_POLL": optionNumber,
	"SO_DEBUG": optionNumber, "SO_DOMAIN": optionReadOnly, "SO_DONTROUTE": optionNumber, "SO_ERROR": optionReadOnly,
	"SO_INCOMING_CPU": optionNumber, "SO_KEEPALIVE": optionNumber, "SO_LINGER": optionLinger, "SO_MARK": optionNumber,
	"SO_MAX_PACING_RATE": optionNumber, "SO_OOBINLINE": optionNumber, "SO_PRIORITY": optionNumber, "SO_PROTOCOL": optionReadOnly,
	"SO_RCVBUF": optionNumber, "SO_RCVBUFFORCE": optionNumber, "SO_RCVLOWAT": optionNumber, "SO_RCVTIMEO": optionDuration,
	"SO_REUSEADDR": optionNumber, "SO_REUSEPORT": optionNumber, "SO_SNDBUF": optionNumber, "SO_SNDBUFFORCE": optionNumber,
	"SO_SNDLOWAT": optionNumber, "SO_SNDTIMEO": optionDuration, "SO_TIMESTAMP": optionNumber, "SO_TYPE": optionReadOnly,

	"IP_BIND_ADDRESS_NO_PORT": optionNumber, "IP_FREEBIND": optionNumber, "IP_LOCAL_PORT_RANGE": optionNumber, "IP_MINTTL": optionNumber,
	"IP_MTU": optionReadOnly, "IP_MTU_DISCOVER": optionNumber, "IP_RECVERR": optionNumber, "IP_TOS": optionNumber,
	"IP_TRANSPARENT": optionNumber, "IP_TTL": optionNumber,

	"IPV6_FREEBIND": optionNumber, "IPV6_MTU": optionNumber, "IPV6_MTU_DISCOVER": optionNumber, "IPV6_RECVERR": optionNumber,
	"IPV6_TCLASS": optionNumber, "IPV6_TRANSPARENT": optionNumber, "IPV6_UNICAST_HOPS": optionNumber, "IPV6_V6ONLY": optionNumber,

	"TCP_CONGESTION": optionWord, "TCP_CORK": optionNumber, "TCP_DEFER_ACCEPT": optionTime, "TCP_FASTOPEN": optionNumber,
	"TCP_FASTOPEN_CONNECT": optionNumber, "TCP_FASTOPEN_NO_COOKIE": optionNumber, "TCP_INQ": optionNumber, "TCP_KEEPCNT": optionNumber,
	"TCP_KEEPIDLE": optionTime, "TCP_KEEPINTVL": optionTime, "TCP_LINGER2": optionTime, "TCP_MAXSEG": optionNumber,
	"TCP_NODELAY": optionNumber, "TCP_NOTSENT_LOWAT": optionNumber, "TCP_QUICKACK": optionNumber, "TCP_SAVE_SYN": optionNumber,
	"TCP_SYNCNT": optionNumber, "TCP_THIN_DUPACK": optionNumber, "TCP_THIN_LINEAR_TIMEOUTS": optionNumber, "TCP_TIMESTAMP": optionNumber,
	"TCP_USER_TIMEOUT": optionTime, "TCP_WINDOW_CLAMP": optionNumber,

	"SIOCINQ": optionReadOnly, "SIOCOUTQ": optionReadOnly, "SIOCOUTQNSD": optionReadOnly,
}

// sockstatFields are the values of a sockstat step: the lines of /proc/net/sockstat and sockstat6, and TCP sockets by state.
// There is no CLOSE: the kernel lists no socket that is not bound or connected.
var sockstatFields = strings.Fields(`sockets_used tcp_inuse tcp_orphan tcp_tw tcp_alloc tcp_mem udp_inuse udp_mem udplite_inuse
	raw_inuse frag_inuse frag_memory tcp6_inuse udp6_inuse udplite6_inuse raw6_inuse frag6_inuse frag6_memory
	state.ESTABLISHED state.SYN_SENT state.SYN_RECV state.FIN_WAIT1 state.FIN_WAIT2 state.TIME_WAIT state.CLOSE_WAIT
	state.LAST_ACK state.LISTEN state.CLOSING`)

// tcpInfoFields are the fields of struct tcp_info (include/uapi/linux/tcp.h), without tcpi_.
var tcpInfoFields = strings.Fields(`state ca_state retransmits probes backoff options snd_wscale rcv_wscale
	delivery_rate_app_limited fastopen_client_fail rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent
	last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt
	rcv_space total_retrans pacing_rate max_pacing_rate bytes_acked bytes_received segs_out segs_in notsent_bytes min_rtt
	data_segs_in data_segs_out delivery_rate busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent
	bytes_retrans dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash total_rto total_rto_recoveries total_rto_time`)
