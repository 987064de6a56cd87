package language

import (
	"strings"
	"time"
)

// Sockstat counts the sockets of the host of the actor: the counts of the kernel (proc_pid_net(5),
// sockstat), and TCP sockets by their state.
type Sockstat struct{}

func (*Sockstat) check(*validation, *Actor, *Step) {}

func (*Sockstat) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Sockstat) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Sockstat) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeValues} }

// Arguments returns "": there are no operands.
func (*Sockstat) Arguments() string { return "" }

// Shows names the number of counts.
func (*Sockstat) Shows() Shown { return Shown{Part: OutcomeValues} }

func (*Sockstat) valueNames() (what string, names []string) {
	return "count of sockstat", sockstatFields
}

// sockstatFields are the values of a sockstat step: the lines of /proc/net/sockstat and sockstat6,
// and TCP sockets by state. CLOSE is not among them: the kernel does not list sockets that are
// neither bound nor connected.
var sockstatFields = strings.Fields(`sockets_used tcp_inuse tcp_orphan tcp_tw tcp_alloc tcp_mem udp_inuse udp_mem udplite_inuse
	raw_inuse frag_inuse frag_memory tcp6_inuse udp6_inuse udplite6_inuse raw6_inuse frag6_inuse frag6_memory
	state.ESTABLISHED state.SYN_SENT state.SYN_RECV state.FIN_WAIT1 state.FIN_WAIT2 state.TIME_WAIT state.CLOSE_WAIT
	state.LAST_ACK state.LISTEN state.CLOSING`)
