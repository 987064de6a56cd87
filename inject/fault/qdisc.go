package fault

import (
	"fmt"
	"strings"
	"time"
)

// QdiscRule is a queueing discipline on a device. Without filters it is at the root, for all frames
// that leave through the device. With filters it is in a class of an htb, for the packets that any
// of them matches; all others pass the htb at once.
//
// Its hits are the closest that tc counts. For a [Rate]: how often a packet had to wait, plus the
// packets lost. For a [Full] queue, and for a [Netem] that only loses packets: the packets lost.
// For any other [Netem]: all packets that passed it, because it does not count the packets it
// struck.
type QdiscRule struct {
	Host, Device string
	Qdisc        Qdisc
	Filters      []Filter
}

// Qdisc says what a queueing discipline does: [Rate], [Netem] or [Full].
type Qdisc interface {
	// root and leaf return the arguments of tc for the discipline at the root of a device, and in a
	// class.
	root() string
	leaf() string
}

// Rate limits the bandwidth of frames. At the root it is a tbf; in a class, the class has the rate
// and a bfifo is its queue.
type Rate struct {
	// To is in bits per second, Queue and Burst in bytes.
	To           uint64
	Queue, Burst uint32
}

// Netem delays, drops, duplicates and corrupts frames. Probabilities are from 0 to 1.
type Netem struct {
	Delay, Jitter            time.Duration
	Loss, Duplicate, Corrupt float64
	// AtOnce is the probability of not being delayed.
	AtOnce float64
	// Bursts is the loss of the Gilbert-Elliott model; nil means none.
	Bursts *Bursts
}

// Bursts are the four probabilities of the Gilbert-Elliott model.
type Bursts struct{ GoodToBad, BadToGood, InBad, InGood float64 }

// Full is a queue without room. It drops all packets that the host sends through it, and the host's
// stack notices (NET_XMIT_DROP).
type Full struct{}

// The htb class of a discipline without a rate. It is fast enough that no packet waits for it.
const (
	lineRate  = 10_000_000_000
	lineBurst = 1 << 20
	// quantum is the bytes a class sends before its siblings' turn. A single class needs none, but
	// the kernel warns about the value it would compute.
	quantum = 1514
)

func (*QdiscRule) rule() {}

// class returns the bits per second and the bytes of burst of the rule's class.
func (r *QdiscRule) class() (rate uint64, burst uint32) {
	if q, ok := r.Qdisc.(*Rate); ok {
		return q.To, q.Burst
	}
	return lineRate, lineBurst
}

// Commands returns the tc commands.
func (r *QdiscRule) Commands() []string {
	tc := func(format string, args ...any) string {
		return fmt.Sprintf("ip netns exec %s tc ", r.Host) + fmt.Sprintf(format, args...)
	}
	if len(r.Filters) == 0 {
		return []string{tc("qdisc add dev %s root %s", r.Device, r.Qdisc.root())}
	}
	rate, burst := r.class()
	commands := []string{
		tc("qdisc add dev %s root handle 1: htb", r.Device),
		tc("class add dev %s parent 1: classid 1:1 htb rate %dbit burst %d cburst %[3]d quantum %[4]d",
			r.Device, rate, burst, quantum),
		tc("qdisc add dev %s parent 1:1 handle 10: %s", r.Device, r.Qdisc.leaf()),
	}
	for _, f := range r.Filters {
		commands = append(commands,
			tc("filter add dev %s parent 1: protocol %s prio 1 u32 %s flowid 1:1", r.Device, f.Protocol, f))
	}
	return commands
}

func (q *Rate) root() string {
	return fmt.Sprintf("tbf rate %dbit burst %d limit %d", q.To, q.Burst, q.Queue)
}
func (q *Rate) leaf() string { return fmt.Sprintf("bfifo limit %d", q.Queue) }

func (Full) root() string { return "pfifo limit 0" }
func (Full) leaf() string { return "pfifo limit 0" }

func (n *Netem) leaf() string { return n.root() }

func (n *Netem) root() string {
	args := []string{"netem"}
	if n.Delay > 0 || n.Jitter > 0 {
		args = append(args, "delay", micros(n.Delay))
		if n.Jitter > 0 {
			args = append(args, micros(n.Jitter))
		}
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", n.Loss}, {"duplicate", n.Duplicate}, {"corrupt", n.Corrupt}, {"reorder", n.AtOnce}} {
		if p.value > 0 {
			args = append(args, p.name, percent(p.value))
		}
	}
	if b := n.Bursts; b != nil {
		args = append(args, "loss", "gemodel", percent(b.GoodToBad), percent(b.BadToGood),
			percent(b.InBad), percent(b.InGood))
	}
	return strings.Join(args, " ")
}

func micros(d time.Duration) string { return fmt.Sprintf("%dus", d.Microseconds()) }

// percent formats no more digits than netem can distinguish.
func percent(p float64) string { return fmt.Sprintf("%.8g%%", p*100) }
