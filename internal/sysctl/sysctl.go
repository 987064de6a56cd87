// Package sysctl knows the kernel parameters below net: which a network namespace has, and the unit
// of those that are times. The list is the same on all systems; which parameters the running kernel
// has, the kernel itself says.
package sysctl

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"halfopen/internal/spell"
)

// Scope says who has a parameter.
type Scope string

const (
	// Namespace is the scope of a parameter that each network namespace has.
	Namespace Scope = ""
	// Machine is the scope of a parameter that is set for the whole machine. A namespace does not
	// have it, or only to be read.
	Machine Scope = "machine"
	// ReadOnly is the scope of a parameter that can only be read.
	ReadOnly Scope = "read-only"
)

// Parameter is a kernel parameter. If it belongs to a device, its name has a star in the device's
// place, but for those that only the default of all devices has.
type Parameter struct {
	Name  string
	Scope Scope
	// Unit is what the kernel counts in if the parameter is a time, else 0.
	Unit time.Duration
}

//go:embed parameters.txt
var list string

// parameters are the parameters by name, read when they are first needed.
var parameters = sync.OnceValue(func() map[string]Parameter { return parse(list) })

func parse(text string) map[string]Parameter {
	known := map[string]Parameter{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		p := Parameter{Name: fields[0]}
		for _, word := range fields[1:] {
			switch unit, isUnit := units[word]; {
			case isUnit:
				p.Unit = unit
			case word == string(Machine) || word == string(ReadOnly):
				p.Scope = Scope(word)
			default:
				panic(fmt.Sprintf("halfopen: parameters.txt: unknown word %q of %s", word, p.Name))
			}
		}
		known[p.Name] = p
	}
	return known
}

// units are the units of parameters by the word for them in parameters.txt.
var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second,
}

// UnitName returns the word for a unit that parameters have, such as "seconds".
func UnitName(unit time.Duration) string {
	switch unit {
	case time.Second:
		return "seconds"
	case time.Millisecond:
		return "milliseconds"
	case time.Microsecond:
		return "microseconds"
	}
	return "nanoseconds"
}

// Find returns the parameter of a name in dotted form; ok is false if no known kernel has it.
func Find(name string) (p Parameter, ok bool) {
	if p, ok = parameters()[name]; ok {
		return p, true
	}
	if device := Device(name); device != "" {
		p, ok = parameters()[ForDevice(name, "*")]
	}
	return p, ok
}

// Device returns the name of the device (or all, or default) whose parameter name is, as in
// net.ipv4.conf.eth0.rp_filter; "" if it belongs to no device.
func Device(name string) string {
	parts := strings.Split(name, ".")
	if len(parts) == 5 && (parts[2] == "conf" || parts[2] == "neigh") {
		return parts[3]
	}
	return ""
}

// ForDevice returns the name of the same parameter of another device. name must belong to a device.
func ForDevice(name, device string) string {
	parts := strings.Split(name, ".")
	parts[3] = device
	return strings.Join(parts, ".")
}

// HasFolder reports whether some known kernel has parameters in the folder of a name: those that
// have all but the last part of their names in common with it.
func HasFolder(name string) bool {
	folder := folderOf(name)
	for n := range parameters() {
		if folderOf(n) == folder {
			return true
		}
	}
	return false
}

// folderOf returns the beginning of a name, with a star for the device.
func folderOf(name string) string {
	if Device(name) != "" {
		name = ForDevice(name, "*")
	}
	return name[:strings.LastIndexByte(name, '.')+1]
}

// Nearest returns the parameter of a scope that was probably meant by a name which no known kernel
// has; "" if none is similar.
func Nearest(name string, scope Scope) string {
	folder := folderOf(name)
	var last []string
	for n, p := range parameters() {
		if rest, ok := strings.CutPrefix(n, folder); ok && p.Scope == scope && !strings.Contains(rest, ".") {
			last = append(last, rest)
		}
	}
	slices.Sort(last) // of equally near names the first is taken
	found := spell.Nearest(name[strings.LastIndexByte(name, '.')+1:], last)
	if found == "" {
		return ""
	}
	return name[:strings.LastIndexByte(name, '.')+1] + found
}
