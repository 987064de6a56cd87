package fault

import (
	"fmt"
	"strings"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Mechanism is what carries out a fault.
type Mechanism string

// The mechanisms.
const (
	IPTables Mechanism = "iptables"
	TC       Mechanism = "tc"
	NFQueue  Mechanism = "nfqueue"
)

// Plan is a scenario's faults compiled to rules, in the order of the file, and the events of packets
// that it waits for.
type Plan struct {
	Faults  []Planned
	Watches []Watched
	// Offloads is true if the network leaves offloads on: a packet in a queue may then be several
	// packets of the wire.
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

// Commands returns the shell commands that a person would type to put all rules in force.
func (p *Plan) Commands() []string {
	var all []string
	for i := range p.Faults {
		for _, r := range p.Faults[i].Rules {
			all = append(all, r.Commands()...)
		}
	}
	for i := range p.Watches {
		for _, r := range p.Watches[i].Rules {
			all = append(all, r.Commands()...)
		}
	}
	return all
}

// Planned is one fault.
type Planned struct {
	Name      string
	Mechanism Mechanism
	// Why says in one sentence why the mechanism was chosen.
	Why    string
	Window Window
	Rules  []Rule
}

// Watched is an event of a packet. A queue watches for it, and changes no packet.
type Watched struct {
	// Event is the event in canonical form.
	Event language.EventRef
	Rules []*QueueRule
}

// Window says when a fault is in force. The zero Window means always.
type Window struct {
	From, Until language.EventRef
	After, For  time.Duration
}

// Rule is the part of a plan that one mechanism carries out in one place.
type Rule interface {
	// Commands returns the shell commands that a person would type to put the rule in force.
	Commands() []string
	rule()
}

// ChainRule is a separate chain of iptables rules, and the jump that puts it in force.
type ChainRule struct {
	// Host is the network namespace.
	Host string
	// Family selects iptables or ip6tables.
	Family language.Family
	// Hook is the built-in chain of the table filter that jumps: INPUT, OUTPUT or FORWARD.
	Hook string
	// Chain is the chain's name.
	Chain string
	// Specs are the chain's rules: matches and target.
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

func programOf(f language.Family) string {
	if f == language.V6 {
		return "ip6tables"
	}
	return "iptables"
}

func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = say.ShellWord(a); a == "!" {
			quoted[i] = a // iptables' own; the shell expands no history from it alone
		}
	}
	return strings.Join(quoted, " ")
}
