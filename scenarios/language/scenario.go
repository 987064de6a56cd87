package language

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// Pos is a place in a scenario file. Line and Col count from 1. The zero value means "not from a
// file".
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
}

// String returns "file:line:col".
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Family is the IP version a scenario runs on.
type Family string

// The IP versions.
const (
	V4 Family = "v4"
	V6 Family = "v6"
)

// Words returns the IP versions.
func (Family) Words() []string { return texts(V4, V6) }

// Shape is the way the hosts are joined.
type Shape string

// The shapes of a lab.
const (
	// ShapeWire puts a router, the wire, between the hosts: one subnet a host. It is the default.
	ShapeWire Shape = "wire"
	// ShapeDirect joins exactly two hosts by one veth pair, without a router.
	ShapeDirect Shape = "direct"
	// ShapeLoopback is one host that talks to itself over lo.
	ShapeLoopback Shape = "loopback"
)

// Wire is the reserved name of the router between the hosts. It may stand under hosts, to set its
// sysctls.
const Wire = "wire"

// Scenario is one case of a scenario file on one IP version, with every parameter replaced.
type Scenario struct {
	Name    string   `json:"name" jsonschema:"required" jsonschema_description:"Name of the scenario: words of lower-case letters and digits, joined by -; the file's name without .yaml."`
	Title   string   `json:"title" jsonschema_description:"One line that says what will be seen."`
	Teaches string   `json:"teaches,omitempty" jsonschema_description:"Markdown: why it happens, what it looks like in production, which knob changes it."`
	Tags    []string `json:"tags,omitempty" jsonschema_description:"Words to find the scenario by."`

	IP       []Family `json:"ip,omitempty" jsonschema_description:"IP versions to run on: v4, v6 or both. Default: v4."`
	Deadline Duration `json:"deadline,omitempty" jsonschema_description:"When the run is ended even if an actor still hangs. Default: 1.5 times the duration, plus 10 s."`
	Duration Duration `json:"duration,omitempty" jsonschema_description:"How long the run takes. Set it where the estimate is wrong, and where a step is expected to hang."`

	Needs   Names         `json:"needs,omitempty" jsonschema_description:"Programs that the machine must have, by name, or files by absolute path, which may be a pattern with *. Where one is missing, the scenario is skipped."`
	Calls   CallsBy       `json:"calls,omitempty" jsonschema:"enum=strace" jsonschema_description:"strace: where the kernel's tracepoints do not show the calls of programs, as to ordinary users, programs run under strace(1), which does."`
	Network Network       `json:"network,omitzero" jsonschema_description:"How the hosts are joined, and the properties of all links."`
	Hosts   []Host        `json:"hosts" jsonschema_description:"The hosts, by name: network namespaces with addresses and sysctls."`
	Files   []PlacedFile  `json:"files,omitempty" jsonschema_description:"Files and folders that the programs of the lab find, by their absolute path: a text, or {from: FILE}. Nothing of them is on the machine."`
	Resolv  *Resolv       `json:"resolv,omitempty" jsonschema_description:"Which name servers the programs of the lab ask. Default: that of dns, or none."`
	DNS     *DNS          `json:"dns,omitempty" jsonschema_description:"A name server on a host of the lab."`
	Faults  []Fault       `json:"faults,omitempty" jsonschema_description:"What goes wrong on the network, by name."`
	Actors  []Actor       `json:"actors" jsonschema_description:"The processes, by name: each runs its steps in order on a host."`
	Expect  []Expectation `json:"expect" jsonschema_description:"What must be observed."`
	Control []Unproven    `json:"control,omitempty" jsonschema_description:"Settings that halfopen run --control need not prove, each with the reason."`

	// Case is the label of this case; "" if the file has no cases.
	Case string `json:"case,omitempty" yaml:"-"`
	// Params are the values of the case's parameters.
	Params map[string]string `json:"params_used,omitempty" yaml:"-"`
	// Set are the parameters that were set in place of those of the file, as [File.Expand] got them.
	Set map[string]string `json:"set,omitempty" yaml:"-"`
	// Matrix are the values that a matrix gives this case, in its order; nil if the file has none.
	Matrix []MatrixValue `json:"matrix,omitempty" yaml:"-"`
	// Family is the IP version of this run.
	Family Family `json:"family,omitempty" yaml:"-"`
	// Awaits are events that whoever holds the lab may wait for, apart from those in the file. The run
	// watches for them.
	Awaits []EventRef `json:"awaits,omitempty" yaml:"-"`
	// Without is the setting that this control leaves out; nil if the scenario is as in its file. See
	// [Scenario.Controls].
	Without *Setting `json:"without,omitempty" yaml:"-"`
	// Dir is the directory of the scenario's file, as an absolute path: the working directory of its
	// programs. It is "" if the scenario is not from a file, and is not passed on as JSON: a trace has it
	// in the event of the run.
	Dir string `json:"-" yaml:"-"`
	// Source is the text of the file; nil if there is none. It is not passed on as JSON, either.
	Source []byte `json:"-" yaml:"-"`
	// Pos is the beginning of the file.
	Pos Pos `json:"pos,omitzero" yaml:"-"`
}

// ID returns the name of this run for people: the scenario, the case if it has one, and the IP
// version if there are several: "syn-retry-backoff retries=3 v6". A control is named after what it
// leaves out: "syn-retry-backoff retries=3 v6 without fault silent-server".
func (s *Scenario) ID() string {
	id := s.Name
	if s.Case != "" {
		id += " " + s.Case
	}
	if len(s.IP) > 1 {
		id += " " + string(s.Family)
	}
	if s.Without != nil {
		id += " without " + s.Without.String()
	}
	return id
}

// Host returns the host of that name, or nil.
func (s *Scenario) Host(name string) *Host {
	for i := range s.Hosts {
		if s.Hosts[i].Name == name {
			return &s.Hosts[i]
		}
	}
	return nil
}

// Actor returns the actor of that name, or nil.
func (s *Scenario) Actor(name string) *Actor {
	for i := range s.Actors {
		if s.Actors[i].Name == name {
			return &s.Actors[i]
		}
	}
	return nil
}

// Step returns the step ACTOR.ID, or nil.
func (s *Scenario) Step(actor, id string) *Step {
	a := s.Actor(actor)
	if a == nil {
		return nil
	}
	var found *Step
	EachStep(a.Steps, func(st *Step) {
		if st.ID == id {
			found = st
		}
	})
	return found
}

// Fault returns the fault of that name, or nil.
func (s *Scenario) Fault(name string) *Fault {
	for i := range s.Faults {
		if s.Faults[i].Name == name {
			return &s.Faults[i]
		}
	}
	return nil
}

// Network says how the hosts are joined.
type Network struct {
	Shape    Shape `json:"shape,omitempty" jsonschema:"enum=wire,enum=direct,enum=loopback" jsonschema_description:"wire (default): a router between the hosts; direct: two hosts, one link; loopback: one host and lo."`
	MTU      int   `json:"mtu,omitempty" jsonschema_description:"MTU of every link in bytes, 68 to 65535. Default: 1500."`
	Offloads bool  `json:"offloads,omitempty" jsonschema_description:"true: leave TSO, GSO, GRO and checksum offloads on; one captured packet may then stand for several packets of the wire. Default: false."`
	Snaplen  int   `json:"snaplen,omitempty" jsonschema_description:"How many bytes of each frame the capture keeps, as tcpdump -s does, 134 to 65535. Default: all of it if a selector asks for payload, else the headers, and whole frames of up to 256 bytes."`
}

// Host is a network namespace with addresses and sysctls.
type Host struct {
	Name      string   `json:"name" yaml:",name"`
	Addresses int      `json:"addresses,omitempty" jsonschema_description:"Number of addresses, 1 to 100; the second is server.2 in steps. Default: 1."`
	MTU       int      `json:"mtu,omitempty" jsonschema_description:"MTU of the host's link in bytes, on both ends. Default: the network's."`
	Route     string   `json:"route,omitempty" jsonschema:"enum=default,enum=none" jsonschema_description:"default: a default route through the wire; none: only the host's own subnet."`
	Sysctl    []Sysctl `json:"sysctl,omitempty" jsonschema_description:"Kernel parameters of the host, by name; names begin with net. A name that ends in ? is set only where the kernel has it."`
	Pos       Pos      `json:"pos,omitzero" yaml:"-"`
}

// Sysctl is one kernel parameter of a host.
type Sysctl struct {
	// Name is in dotted form: net.ipv4.tcp_syn_retries.
	Name  string `yaml:",name" json:"name"`
	Value string `yaml:",value" json:"value"`
	// Optional is true if the name was written with a ? at its end: the parameter is set only if
	// the kernel has it.
	Optional bool `yaml:"-" json:"optional,omitempty"`
	Pos      Pos  `json:"pos,omitzero"`
}

// sysctls reads a mapping of kernel parameters. A name that ends in ? is optional.
func (d *decoder) sysctls(n *yaml.Node, all *[]Sysctl) {
	d.Plain(n, reflect.ValueOf(all).Elem())
	for i := range *all {
		s := &(*all)[i]
		s.Name, s.Optional = strings.CutSuffix(s.Name, "?")
	}
}
