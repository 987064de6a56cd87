//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// object is an object of bpf/: programs that are loaded together, and share a ring.
type object struct {
	// bytes are the compiled object, which load reads.
	bytes []byte
	load  func() (*ebpf.CollectionSpec, error)
	// points are the tracepoints, each with the program for it, which has its name.
	points []point
	// set sets constants of the programs, but for those that the tracepoints have.
	set func(constants map[string]*ebpf.VariableSpec, kernel *btf.Spec) error
}

// point is a tracepoint.
type point struct {
	system, name string
	kind         Kind
	// arguments are those that the program reads on every kernel.
	arguments int
	// more is set in the program where the tracepoint has one argument more, which says lacks.
	more, lacks string
}

// sockets are the programs of bpf/tracepoint.c.
var sockets = &object{bytes: _BpfBytes, load: loadBpf, set: setReasons, points: []point{
	{"sock", "inet_sock_set_state", KindTransition, 3, "", ""},
	{
		"skb", "kfree_skb", KindDrop, 3,
		"kfree_skb_has_rx_sk", "receiving sockets (Linux 6.11 has them)",
	},
	{
		"tcp", "tcp_retransmit_skb", KindRetransmit, 2,
		"tcp_retransmit_skb_has_err", "retransmits that could not be sent (Linux 6.15 has them)",
	},
	{"tcp", "tcp_retransmit_synack", KindRetransmit, 2, "", ""},
	{
		"tcp", "tcp_send_reset", KindReset, 2, "tcp_send_reset_has_reason",
		"reasons, and no resets where there is no socket (Linux 6.10 has them)",
	},
	{"tcp", "tcp_receive_reset", KindReset, 1, "", ""},
	{"tcp", "tcp_probe", KindProbe, 1, "", ""},
}}

// errNoTracepoint says that the kernel does not have a tracepoint that the programs can use.
var errNoTracepoint = errors.New("this kernel does not have it")

// adapt makes a specification fit a kernel: it takes out the programs of tracepoints that the
// kernel does not have, and sets the constants of the others.
func (o *object) adapt(spec *ebpf.CollectionSpec, kernel *btf.Spec) ([]Gap, error) {
	var gaps []Gap
	for _, p := range o.points {
		gap := Gap{Tracepoint: p.system + ":" + p.name, Kind: p.kind}
		have, err := arguments(kernel, p.name)
		switch {
		case err != nil:
			gap.Err = err
		case have < p.arguments:
			gap.Err = fmt.Errorf("it has %d arguments here: want %d", have, p.arguments)
		case p.more == "":
			continue
		case have == p.arguments:
			gap.Lacks = p.lacks
		default:
			if err := spec.Variables[p.more].Set(true); err != nil {
				return nil, err
			}
			continue
		}
		if gap.Err != nil {
			delete(spec.Programs, p.name)
		}
		gaps = append(gaps, gap)
	}
	if err := spec.Variables["share"].Set(uint64(share)); err != nil {
		return nil, err
	}
	if err := o.set(spec.Variables, kernel); err != nil {
		return nil, err
	}
	delete(spec.Maps, ".bss") // only bpf2go reads it
	return gaps, freeze(spec.Maps[".rodata"], spec.Variables)
}

// setReasons sets the reasons that are no drops.
func setReasons(constants map[string]*ebpf.VariableSpec, kernel *btf.Spec) error {
	for variable, name := range map[string]string{
		"reason_not_dropped": "SKB_NOT_DROPPED_YET",
		"reason_consumed":    "SKB_CONSUMED",
	} {
		if number, ok := enumerator(kernel, dropReasons, name); ok {
			if err := constants[variable].Set(number); err != nil {
				return err
			}
		}
	}
	return nil
}

// freeze writes constants into the map that holds them. The library does so too, but maps their
// memory into the process for as long as the garbage collector likes.
func freeze(m *ebpf.MapSpec, constants map[string]*ebpf.VariableSpec) error {
	if m == nil || len(m.Contents) != 1 {
		return errors.New("the object has no constants")
	}
	data, ok := m.Contents[0].Value.([]byte)
	if !ok {
		return fmt.Errorf("the constants are a %T", m.Contents[0].Value)
	}
	data = slices.Clone(data)
	for _, c := range constants {
		if c.SectionName == m.Name {
			copy(data[c.Offset:], c.Value)
		}
	}
	m.Contents = []ebpf.MapKV{{Key: uint32(0), Value: data}}
	return nil
}

// kernelTypes are the types of the running kernel that the programs need.
type kernelTypes struct {
	*btf.Spec
	// targets are the numbers of the tracepoints' types in the kernel.
	targets map[string]uint32
}

// typesPath is where the kernel describes its types, if it does.
const typesPath = "/sys/kernel/btf/vmlinux"

// readKernel reads what the programs need of the running kernel's types.
func (o *object) readKernel(spec *ebpf.CollectionSpec) (*kernelTypes, error) {
	raw, done, err := mapFile(typesPath)
	if err != nil {
		return nil, err
	}
	defer done()
	var tracepoints []string
	for _, p := range o.points {
		tracepoints = append(tracepoints, p.name)
	}
	picked, targets, err := pick(raw, typeNames(spec.Types), tracepoints)
	if err != nil {
		return nil, err
	}
	types, err := btf.LoadSpecFromReader(bytes.NewReader(picked))
	return &kernelTypes{types, targets}, err
}

// mapFile returns a file's bytes until done is called. Since Linux 6.16 it need not copy those of
// typesPath.
func mapFile(path string) (data []byte, done func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
		if err == nil {
			return data, func() { _ = unix.Munmap(data) }, nil // nothing depends on it
		}
	}
	data, err = io.ReadAll(f)
	return data, func() {}, err
}

// typeNames returns the names of the structs, unions and enums of the programs, and those of the
// reasons.
func typeNames(programs *btf.Spec) []string {
	names := map[string]bool{dropReasons: true, resetReasons: true}
	for t, err := range programs.All() {
		if err != nil {
			break // a relocation then says which type it misses
		}
		switch t.(type) {
		case *btf.Struct, *btf.Union, *btf.Enum:
			name, _, _ := strings.Cut(t.TypeName(), "___") // a flavour of a type
			if name != "" {
				names[name] = true
			}
		}
	}
	return slices.Collect(maps.Keys(names))
}

// arguments returns how many arguments a tracepoint has.
func arguments(kernel *btf.Spec, name string) (int, error) {
	var def *btf.Typedef
	if err := kernel.TypeByName(tracePrefix+name, &def); err != nil {
		if errors.Is(err, btf.ErrNotFound) {
			err = errNoTracepoint
		}
		return 0, err
	}
	pointer, ok := btf.UnderlyingType(def).(*btf.Pointer)
	if !ok {
		return 0, fmt.Errorf("its type is %v", def.Type)
	}
	function, ok := btf.UnderlyingType(pointer.Target).(*btf.FuncProto)
	if !ok {
		return 0, fmt.Errorf("its type is a pointer to %v", pointer.Target)
	}
	return len(function.Params) - 1, nil // the first is the tracepoint's own
}

// The enumerations of reasons, and what their names begin with.
const (
	dropReasons       = "skb_drop_reason"
	dropReasonPrefix  = "SKB_DROP_REASON_"
	resetReasons      = "sk_rst_reason"
	resetReasonPrefix = "SK_RST_REASON_"
)

// reasons returns the names of an enumeration's values, without their prefix. The ends of ranges,
// which are no reasons, are left out. A kernel without the enumeration has none.
func reasons(kernel *btf.Spec, enum, prefix string) map[uint32]string {
	names := map[uint32]string{}
	var e *btf.Enum
	if err := kernel.TypeByName(enum, &e); err != nil {
		return names
	}
	for _, v := range e.Values {
		name, ok := strings.CutPrefix(v.Name, prefix)
		if ok && name != "MAX" && !strings.HasPrefix(name, "SUBSYS_") {
			names[uint32(v.Value)] = name
		}
	}
	return names
}

// enumerator returns the value of a name in an enumeration.
func enumerator(kernel *btf.Spec, enum, name string) (uint32, bool) {
	var e *btf.Enum
	if err := kernel.TypeByName(enum, &e); err != nil {
		return 0, false
	}
	for _, v := range e.Values {
		if v.Name == name {
			return uint32(v.Value), true
		}
	}
	return 0, false
}
