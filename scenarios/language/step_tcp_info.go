package language

import (
	"strings"
	"time"
)

// TCPInfo is getsockopt(TCP_INFO).
type TCPInfo struct{}

func (*TCPInfo) check(*validation, *Actor, *Step) {}

func (*TCPInfo) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*TCPInfo) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*TCPInfo) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeValues} }

// Arguments returns "": there are no operands.
func (*TCPInfo) Arguments() string { return "" }

// Shows names the number of fields that the kernel has.
func (*TCPInfo) Shows() Shown { return Shown{Part: OutcomeValues} }

func (*TCPInfo) valueNames() (what string, names []string) {
	return "field of tcp_info", tcpInfoFields
}

// tcpInfoFields are the fields of struct tcp_info (include/uapi/linux/tcp.h), without tcpi_.
var tcpInfoFields = strings.Fields(`state ca_state retransmits probes backoff options snd_wscale rcv_wscale
	delivery_rate_app_limited fastopen_client_fail rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent
	last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt
	rcv_space total_retrans pacing_rate max_pacing_rate bytes_acked bytes_received segs_out segs_in notsent_bytes min_rtt
	data_segs_in data_segs_out delivery_rate busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent
	bytes_retrans dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash total_rto total_rto_recoveries total_rto_time`)
