package language

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/internal/sysctl"
)

// InfoVal is an expected field of tcp_info, or an expected count of sockstat.
type InfoVal struct {
	Name string `yaml:",name" json:"name"`
	Is   Count  `yaml:",value" json:"is"`
	// Written is the value as it was written, if that is not a range of numbers: CLOSE, 200ms.
	Written string `yaml:"-" json:"written,omitempty"`
}

// String returns the value as it was written: "rto 200ms".
func (i *InfoVal) String() string {
	if i.Written != "" {
		return i.Name + " " + i.Written
	}
	return i.Name + " " + i.Is.String()
}

// Shows writes a number that was seen in the way in which the value was written: "state 1
// (ESTABLISHED)", "rto 204000 (204ms)".
func (i *InfoVal) Shows(seen int64) string {
	text := fmt.Sprintf("%s %d", i.Name, seen)
	if i.Written == "" {
		return text
	}
	if unit, timed := infoUnits[i.Name]; timed {
		return fmt.Sprintf("%s (%s)", text, say.Duration(time.Duration(seen)*unit))
	}
	if names := infoNames[i.Name]; 0 <= seen && seen < int64(len(names)) && names[seen] != "" {
		return fmt.Sprintf("%s (%s)", text, names[seen])
	}
	return text
}

// infoNames are the names of the values of fields, by number: the states of
// include/net/tcp_states.h, and those of enum tcp_ca_state.
var infoNames = map[string][]string{
	"state": {
		"", string(Established), string(SynSent), string(SynRecv), string(FinWait1), string(FinWait2),
		string(TimeWait), string(Unbound), string(CloseWait), string(LastAck), string(Listening),
		string(Closing),
	},
	"ca_state": {"Open", "Disorder", "CWR", "Recovery", "Loss"},
}

// infoUnits are the units of the fields that are times (tcp_get_info in net/ipv4/tcp.c).
var infoUnits = map[string]time.Duration{
	"rto": time.Microsecond, "ato": time.Microsecond, "rtt": time.Microsecond, "rttvar": time.Microsecond,
	"rcv_rtt": time.Microsecond, "min_rtt": time.Microsecond, "busy_time": time.Microsecond,
	"rwnd_limited": time.Microsecond, "sndbuf_limited": time.Microsecond,
	"last_data_sent": time.Millisecond, "last_ack_sent": time.Millisecond,
	"last_data_recv": time.Millisecond, "last_ack_recv": time.Millisecond,
	"total_rto_time": time.Millisecond,
}

// InfoTimes returns the names of the fields of tcp_info that are times, in the order of the alphabet.
func InfoTimes() []string { return slices.Sorted(maps.Keys(infoUnits)) }

// Unit returns the unit of a field that is a time, and 0 for any other.
func (i *InfoVal) Unit() time.Duration { return infoUnits[i.Name] }

// infoName returns the name of a field without tcpi_, and with the state's own name in a count of
// sockstat.
func infoName(name string) string {
	name = strings.TrimPrefix(name, "tcpi_")
	if state, ok := strings.CutPrefix(name, "state."); ok {
		var s State
		if s.Set(state) == nil {
			return "state." + string(s)
		}
	}
	return name
}

// infoCount reads a value that is not a range of numbers: the name of a state, or a duration.
func infoCount(name, text string) (Count, error) {
	if names, named := infoNames[name]; named {
		word := text
		var s State
		if name == "state" && s.Set(text) == nil {
			word = string(s)
		}
		i := slices.IndexFunc(names, func(n string) bool { return n != "" && strings.EqualFold(n, word) })
		if i < 0 {
			known := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
			return Count{}, code.Errorf(code.InvalidValue,
				"invalid %s %q: want a number, or one of %s",
				name, say.Clip(text), strings.Join(known, ", "))
		}
		return Count{Min: int64(i), Max: int64(i)}, nil
	}
	unit, timed := infoUnits[name]
	if !timed {
		return Count{}, new(Count).Set(text)
	}
	var s Span
	if err := s.Set(text); err != nil {
		return Count{}, code.Errorf(code.InvalidValue,
			"invalid %s %q: want a number of %s, or a duration such as 200ms",
			name, say.Clip(text), sysctl.UnitName(unit))
	}
	if s.Timer {
		s.Min, s.Max = s.Want, s.Want // a value is exact, unlike the time that a step takes
	}
	c := Count{Min: int64(s.Min), Max: int64(s.Max)}
	if s.Max >= 0 && c.Max != math.MaxInt64 { // round down
		c.Max /= int64(unit)
	}
	if s.Min > 0 { // round up
		c.Min = (c.Min + int64(unit) - 1) / int64(unit)
	}
	if c.Min > c.Max {
		return Count{}, code.Errorf(code.InvalidValue, "invalid %s %q: want a whole number of %s",
			name, say.Clip(text), sysctl.UnitName(unit))
	}
	return c, nil
}

// infoValues reads fields and their values. A value may be a range of numbers, and of some fields a
// name or a duration.
func (d *decoder) infoValues(n *yaml.Node, all *[]InfoVal) {
	v := reflect.ValueOf(all).Elem()
	if n.Kind != yaml.MappingNode {
		d.Plain(n, v)
		return
	}
	read, written := *n, map[string]string{}
	read.Content = slices.Clone(n.Content)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := *n.Content[i], *n.Content[i+1]
		if key.Tag == decode.BadTag || key.Kind != yaml.ScalarNode {
			continue
		}
		key.Value = infoName(key.Value)
		read.Content[i] = &key
		if !decode.IsScalar(&value) || value.Tag == decode.BadTag || new(Count).Set(value.Value) == nil {
			continue
		}
		text := value.Value
		c, err := infoCount(key.Value, text)
		if err != nil {
			d.Blame(&value, []decode.Mistake{{Place: d.At(&value), Problem: code.Of(err, code.InvalidValue)}})
		} else {
			value.Value, written[key.Value] = c.String(), text
		}
		read.Content[i+1] = &value
	}
	d.Plain(&read, v)
	for i := range *all {
		(*all)[i].Written = written[(*all)[i].Name]
	}
}

// infoField checks the name of a field.
func (v *validation) infoField(field *string, pos Pos, what string, known []string) {
	var ending []string
	for _, k := range known {
		if strings.HasSuffix(k, "_"+*field) {
			ending = append(ending, k)
		}
	}
	if !slices.Contains(known, *field) && len(ending) > 0 {
		meant := spell.Hint{Word: ending[0], Text: fmt.Sprintf(" (did you mean %s?)", strings.Join(ending, " or "))}
		v.errorf(code.UnknownWord, field, pos, "unknown %s %q%s", what, say.Clip(*field), meant)
		return
	}
	v.oneOf(field, pos, what, *field, known)
}
