package fault

import (
	"fmt"
	"strings"
	"time"

	"halfopen/scenarios"
)

// Mechanism carries a fault out.
type Mechanism string

// The mechanisms.
const (
	IPTables Mechanism = "iptables"
	TC       Mechanism = "tc"
	NFQueue  Mechanism = "nfqueue"
)

// Plan is a scenario's faults compiled to rules, in the order of the file.
type Plan struct {
	Faults []Planned
	// Offloads is true where the network leaves offloads on, so that several packets of the wire may be one in a queue.
	Offloads bool
}

// Fault returns the plan of the fault of that name, or nil.
func (p *Plan) Fault(name string) *Planned {
	for i := range p.Faults {
		if p.Faults[i].Name == name {
			return &p.Faults[i]
		}
	}
	return nil
}

// Planned is one fault.
type Planned struct {
	Name      string
	Mechanism Mechanism
	// Why says in one sentence what chose the mechanism.
	Why    string
	Window Window
	Rules  []Rule
}

// Window says when a fault is in force. The zero window is always.
type Window struct {
	From, Until scenarios.EventRef
	After, For  time.Duration
}

// Rule is what a mechanism is told.
type Rule interface {
	// Commands returns the shell commands a person would type, to put the rule in force.
	Commands() []string
	rule()
}

// ChainRule is a chain of iptables rules of its own, and the jump that puts it in force.
type ChainRule struct {
	// Host is the network namespace.
	Host string
	// Family selects iptables or ip6tables.
	Family scenarios.Family
	// Hook is the built-in chain of the table filter that jumps: INPUT, OUTPUT or FORWARD.
	Hook string
	// Chain is its name.
	Chain string
	// Specs are its rules: matches and target.
	Specs [][]string
}

func (*ChainRule) rule() {}

// Commands returns the iptables commands that make the chain and jump to it.
func (r *ChainRule) Commands() []string {
	start := fmt.Sprintf("ip netns exec %s %s", r.Host, programOf(r.Family))
	commands := []string{start + " -N " + r.Chain}
	for _, spec := range r.Specs {
		commands = append(commands, start+" -A "+r.Chain+" "+quoteAll(spec))
	}
	return append(commands, start+" -A "+r.Hook+" -j "+r.Chain)
}

func programOf(f scenarios.Family) string {
	if f == scenarios.V6 {
		return "ip6tables"
	}
	return "iptables"
}

// QdiscRule is a queueing discipline at the root of a device.
type QdiscRule struct {
	Host, Device string
	// Rate, Queue and Burst are of tbf: bits per second, bytes, bytes. Rate 0 means that the rule is netem.
	Rate         uint64
	Queue, Burst uint32
	// Netem is nil for tbf.
	Netem *Netem
}

// Netem are the settings of a netem queueing discipline. Probabilities are from 0 to 1.
type Netem struct {
	Delay, Jitter            time.Duration
	Loss, Duplicate, Corrupt float64
}

func (*QdiscRule) rule() {}

// Commands returns the tc command.
func (r *QdiscRule) Commands() []string {
	start := fmt.Sprintf("ip netns exec %s tc qdisc add dev %s root ", r.Host, r.Device)
	if r.Netem == nil {
		return []string{start + fmt.Sprintf("tbf rate %dbit burst %d limit %d", r.Rate, r.Burst, r.Queue)}
	}
	n := r.Netem
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
	}{{"loss", n.Loss}, {"duplicate", n.Duplicate}, {"corrupt", n.Corrupt}} {
		if p.value > 0 {
			args = append(args, p.name, fmt.Sprintf("%g%%", p.value*100))
		}
	}
	return []string{start + strings.Join(args, " ")}
}

func micros(d time.Duration) string { return fmt.Sprintf("%dus", d.Microseconds()) }

func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if a == "" || strings.ContainsAny(a, " \t'\"\\$`!;&|<>(){}*?#~") && a != "!" {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
