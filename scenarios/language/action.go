package language

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Action is what a fault does to the packets it strikes. Exactly one field is set; [Action.Kind]
// names it. The fields are the only list of actions. The type of each field has its own file, with
// everything that the language knows of the action.
type Action struct {
	Drop      *Drop      `json:"drop,omitempty" jsonschema_description:"Lose the packet; no sender learns of it."`
	Reject    *Reject    `json:"reject,omitempty" jsonschema_description:"Lose the packet and send its sender a RST or an ICMP error."`
	Reset     *Reset     `json:"reset,omitempty" jsonschema_description:"Forge a RST for the connection of the packet; the packet itself passes."`
	Delay     *Delay     `json:"delay,omitempty" jsonschema_description:"Hold the packet for a time."`
	Hold      *Hold      `json:"hold,omitempty" jsonschema_description:"Hold the packet until an event."`
	Duplicate *Duplicate `json:"duplicate,omitempty" jsonschema_description:"Send the packet more than once."`
	Reorder   *Reorder   `json:"reorder,omitempty" jsonschema_description:"Let later packets overtake the packet."`
	Corrupt   *Corrupt   `json:"corrupt,omitempty" jsonschema_description:"Change payload bytes."`
	Rewrite   *Rewrite   `json:"rewrite,omitempty" jsonschema_description:"Change header fields."`
	Rate      *Rate      `json:"rate,omitempty" jsonschema_description:"Limit the bandwidth: packets wait in a queue, and are lost when it is full."`
	Loss      *Loss      `json:"loss,omitempty" jsonschema_description:"Lose packets in bursts (Gilbert-Elliott)."`
	Replay    *Replay    `json:"replay,omitempty" jsonschema_description:"Let the packet pass and send it again later."`
	Partition *Partition `json:"partition,omitempty" jsonschema_description:"Cut a host off: all packets to and from it are lost, while its link stays up."`
	MTU       *MTU       `json:"mtu,omitempty" jsonschema_description:"Let no packet pass that is longer than this."`
}

// byShare are the actions that are given a share of the packets elsewhere.
var byShare = []string{"drop", "loss", "duplicate", "corrupt", "reorder"}

// action reads an action. A share of the packets in the place of its operand, as in the options of
// netem, belongs to the fault.
func (d *decoder) action(n *yaml.Node, a *Action) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		kind, value := n.Content[i].Value, n.Content[i+1]
		var share Percent
		if !slices.Contains(byShare, kind) || !decode.IsScalar(value) ||
			!strings.HasSuffix(value.Value, "%") || share.Set(value.Value) != nil {
			continue
		}
		if kind == "loss" {
			kind = "drop"
		}
		d.Errorf(code.MisplacedKey, value,
			"to strike a share of the packets, write chance: %s next to do: %s",
			value.Value, kind)
		return
	}
	d.OneOf(n, reflect.ValueOf(a).Elem(), "action")
}

// acting is an action: the type of a field of [Action].
type acting interface {
	// check reports operands that are wrong, and packets in the selector that the action cannot
	// work on.
	check(v *validation, f *Fault)
	effects() Effects
}

// Effects says what an action does to packets, for code that draws or judges them and need not know
// the actions.
type Effects struct {
	// Loses is true if the packets that are lost are exactly those that the fault selects.
	Loses bool
	// Holds is how long a packet that is struck may be kept before it goes on: 0 if it is not kept,
	// [Indefinite] if the time is not known.
	Holds time.Duration
	// Copies is the number of extra packets for each packet that is struck.
	Copies int
}

// Indefinite stands for a time that depends on an event or on other packets.
const Indefinite = time.Hour

// Effects returns the effects of the action that is set; zero if none is set.
func (a *Action) Effects() Effects {
	if _, do := chosen[acting](a); do != nil {
		return do.effects()
	}
	return Effects{}
}

// Kind names the action that is set, as written in YAML; "" for none.
func (a *Action) Kind() string {
	key, _ := chosen[acting](a)
	return key
}

// ActionKinds returns the keys of all actions, in the order of the fields of [Action].
func ActionKinds() []string {
	var keys []string
	for key := range kinds[acting, Action]() {
		keys = append(keys, key)
	}
	return keys
}

// String returns the action on one line, as in YAML: "delay 200ms", "delay {by: 200ms, jitter:
// 10ms}".
func (a *Action) String() string {
	kind, do := chosen[acting](a)
	if do == nil {
		return ""
	}
	v := reflect.ValueOf(do).Elem()
	fields := flowFields(v)
	if len(fields) == 0 {
		return kind
	}
	for i := range v.NumField() {
		if _, flags, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); flags == "short" &&
			len(fields) == 1 && !v.Field(i).IsZero() {
			return kind + " " + flowOf(v.Field(i))
		}
	}
	return kind + " {" + strings.Join(fields, ", ") + "}"
}

// action checks the action of a fault against the packets that the fault selects.
func (v *validation) action(f *Fault) {
	if _, do := chosen[acting](&f.Do); do != nil {
		do.check(v, f)
	}
}

// onlyTCP reports a selector of UDP or ICMP packets if the action, or the key what of it, works on
// TCP segments only.
func (v *validation) onlyTCP(field any, f *Fault, what string) {
	if proto := f.Match.protocol(); proto == "udp" || proto == "icmp" {
		v.errorf(code.NeverMatches, field, f.Pos,
			"%s works on TCP only, but match selects %s; select tcp instead", what, proto)
	}
}

// within reports a number in the file that is outside low to high, both included.
func (v *validation) within(field *int, f *Fault, key string, low, high int) {
	if v.has(field) && (*field < low || *field > high) {
		v.errorf(code.OutOfRange, field, f.Pos,
			"%s: invalid %s %d: want %d to %d", f.Do.Kind(), key, *field, low, high)
	}
}
