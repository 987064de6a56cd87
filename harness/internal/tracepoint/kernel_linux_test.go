//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"halfopen/inject"
)

func loadSpec(t testing.TB) *ebpf.CollectionSpec {
	t.Helper()
	spec, err := loadBpf()
	try(t, err)
	return spec
}

// bothObjects are the objects of bpf/, by their source.
var bothObjects = map[string]*object{"tracepoint": sockets, "calls": callPrograms}

// An object is older than its source if somebody changed bpf/ and did not make bpf.
func TestObjectsAreOfTheirSources(t *testing.T) {
	for name, o := range bothObjects {
		var source []byte
		for _, file := range []string{"kernel.h", "record.h", "ring.h", name + ".c"} {
			text, err := os.ReadFile("bpf/" + file)
			try(t, err)
			source = append(source, text...)
		}
		sum := sha256.Sum256(source)
		spec, err := o.load()
		try(t, err)
		var compiled [65]byte
		try(t, spec.Variables["source"].Get(&compiled))
		got, want := string(bytes.TrimRight(compiled[:], "\x00")), hex.EncodeToString(sum[:])
		if got != want {
			t.Errorf("%s_bpfel.o was made of source %s, which is %s now: make bpf", name, got, want)
		}
	}
}

func TestObjectsAgreeWithTheLoader(t *testing.T) {
	for name, o := range bothObjects {
		spec, err := o.load()
		try(t, err)
		if size := spec.Maps["ring"].MaxEntries; size != ringSize {
			t.Errorf("%s: the ring has %d bytes, want %d", name, size, ringSize)
		}
		if slots, most := spec.Maps["taken"].MaxEntries, spec.Maps["namespaces"].MaxEntries; slots != most {
			t.Errorf("%s: there are %d slots for %d namespaces", name, slots, most)
		}
		var names []string
		for _, p := range o.points {
			names = append(names, p.name)
			if program := spec.Programs[p.name]; program == nil || program.AttachTo != p.name {
				t.Errorf("%s: the program of %s is %v", name, p.name, program)
			}
			if p.more != "" && spec.Variables[p.more] == nil {
				t.Errorf("%s: %s has no constant %s", name, p.name, p.more)
			}
		}
		slices.Sort(names)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(spec.Programs)), names); diff != "" {
			t.Errorf("%s: the tracepoints (-programs +points):\n%s", name, diff)
		}
	}
	if kinds := len(bpfWatched{}.Lost); kinds != int(Kinds) {
		t.Errorf("losses of %d kinds are counted, want %d", kinds, Kinds)
	}
}

// kernelOf returns the types of a kernel with these tracepoints, by number of arguments, and
// reasons.
func kernelOf(t testing.TB, arguments map[string]int, enums ...*btf.Enum) *btf.Spec {
	t.Helper()
	var types []btf.Type
	for name, n := range arguments {
		function := &btf.FuncProto{Return: &btf.Void{}}
		for range n + 1 { // with the tracepoint's own
			param := btf.FuncParam{Type: &btf.Pointer{Target: &btf.Void{}}}
			function.Params = append(function.Params, param)
		}
		types = append(types, &btf.Typedef{
			Name: "btf_trace_" + name, Type: &btf.Pointer{Target: function},
		})
	}
	for _, e := range enums {
		types = append(types, e)
	}
	b, err := btf.NewBuilder(types, nil)
	try(t, err)
	raw, err := b.Marshal(nil, nil)
	try(t, err)
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	try(t, err)
	return spec
}

func TestAdapt(t *testing.T) {
	// The tracepoints of Linux 6.1, and what was added to them.
	arguments := func(changes map[string]int) map[string]int {
		all := map[string]int{
			"inet_sock_set_state": 3, "kfree_skb": 3, "tcp_retransmit_skb": 2, "tcp_retransmit_synack": 2,
			"tcp_send_reset": 2, "tcp_receive_reset": 1, "tcp_probe": 2,
		}
		maps.Copy(all, changes)
		return all
	}
	notDropped := btf.EnumValue{Name: "SKB_NOT_DROPPED_YET", Value: 0}
	for _, test := range []struct {
		name      string
		arguments map[string]int
		reasons   []btf.EnumValue
		gaps      []string
		missing   []string // programs
		set       string   // constants: has_rx_sk, has_reason, has_err, not dropped, consumed
	}{
		{
			"Linux 6.1", arguments(nil),
			[]btf.EnumValue{notDropped},
			[]string{
				"skb:kfree_skb has no receiving sockets (Linux 6.11 has them)",
				"tcp:tcp_retransmit_skb has no retransmits that could not be sent (Linux 6.15 has them)",
				"tcp:tcp_send_reset has no reasons, and no resets where there is no socket " +
					"(Linux 6.10 has them)",
			},
			nil, "false false false 0 4294967295",
		},
		{
			"Linux 6.12", arguments(map[string]int{"kfree_skb": 4, "tcp_send_reset": 3}),
			[]btf.EnumValue{notDropped, {Name: "SKB_CONSUMED", Value: 1}},
			[]string{"tcp:tcp_retransmit_skb has no retransmits that could not be sent (Linux 6.15 has them)"},
			nil, "true true false 0 1",
		},
		{
			"Linux 6.18",
			arguments(map[string]int{"kfree_skb": 4, "tcp_send_reset": 3, "tcp_retransmit_skb": 3}),
			[]btf.EnumValue{notDropped, {Name: "SKB_CONSUMED", Value: 1}},
			nil, nil, "true true true 0 1",
		},
		{
			"no reasons at all",
			arguments(map[string]int{"kfree_skb": 2, "tcp_send_reset": 3, "tcp_retransmit_skb": 3}), nil,
			[]string{"skb:kfree_skb is missing: it has 2 arguments here: want 3"},
			[]string{"kfree_skb"},
			"false true true 4294967295 4294967295",
		},
		{
			"no tracepoints", nil, nil,
			[]string{
				"sock:inet_sock_set_state is missing: this kernel does not have it",
				"skb:kfree_skb is missing: this kernel does not have it",
				"tcp:tcp_retransmit_skb is missing: this kernel does not have it",
				"tcp:tcp_retransmit_synack is missing: this kernel does not have it",
				"tcp:tcp_send_reset is missing: this kernel does not have it",
				"tcp:tcp_receive_reset is missing: this kernel does not have it",
				"tcp:tcp_probe is missing: this kernel does not have it",
			},
			[]string{
				"inet_sock_set_state", "kfree_skb", "tcp_probe", "tcp_receive_reset",
				"tcp_retransmit_skb", "tcp_retransmit_synack", "tcp_send_reset",
			},
			"false false false 4294967295 4294967295",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := loadSpec(t)
			all := slices.Sorted(maps.Keys(spec.Programs))
			enums := []*btf.Enum{{Name: "other", Size: 4, Values: []btf.EnumValue{{Name: "OTHER"}}}}
			if test.reasons != nil {
				enums = append(enums, &btf.Enum{Name: "skb_drop_reason", Size: 4, Values: test.reasons})
			}
			gaps, err := sockets.adapt(spec, kernelOf(t, test.arguments, enums...))
			try(t, err)
			var texts []string
			for _, g := range gaps {
				texts = append(texts, g.String())
			}
			if diff := cmp.Diff(test.gaps, texts); diff != "" {
				t.Errorf("the gaps (-want +got):\n%s", diff)
			}
			all = slices.DeleteFunc(all, func(name string) bool { return spec.Programs[name] != nil })
			if diff := cmp.Diff(test.missing, all, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the programs that are left out (-want +got):\n%s", diff)
			}
			var rxSk, reason, failed bool
			var notDropped, consumed uint32
			try(t, errors.Join(
				spec.Variables["kfree_skb_has_rx_sk"].Get(&rxSk),
				spec.Variables["tcp_send_reset_has_reason"].Get(&reason),
				spec.Variables["tcp_retransmit_skb_has_err"].Get(&failed),
				spec.Variables["reason_not_dropped"].Get(&notDropped),
				spec.Variables["reason_consumed"].Get(&consumed),
			))
			if got := fmt.Sprint(rxSk, reason, failed, notDropped, consumed); got != test.set {
				t.Errorf("the constants are %s, want %s", got, test.set)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	kernel := kernelOf(t, nil, &btf.Enum{Name: "skb_drop_reason", Size: 4, Values: []btf.EnumValue{
		{Name: "SKB_NOT_DROPPED_YET", Value: 0},
		{Name: "SKB_CONSUMED", Value: 1},
		{Name: "SKB_DROP_REASON_NOT_SPECIFIED", Value: 2},
		{Name: "SKB_DROP_REASON_NO_SOCKET", Value: 3},
		{Name: "SKB_DROP_REASON_MAX", Value: 4},
		{Name: "SKB_DROP_REASON_SUBSYS_MASK", Value: 0xffff0000},
	}})
	want := map[uint32]string{2: "NOT_SPECIFIED", 3: "NO_SOCKET"}
	if diff := cmp.Diff(want, reasons(kernel, dropReasons, dropReasonPrefix)); diff != "" {
		t.Errorf("the reasons (-want +got):\n%s", diff)
	}
	if got := reasons(kernel, resetReasons, resetReasonPrefix); len(got) != 0 {
		t.Errorf("without an enumeration the reasons are %v", got)
	}
}

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name, text string
		err        error
	}{
		{"forbidden", "CAP_BPF and CAP_PERFMON", explain(fmt.Errorf("map create: %w", unix.EPERM))},
		{"without eBPF", "not in this kernel", explain(unix.ENOSYS)},
		{"refused by the kernel", "loading the program", explain(errors.New("loading the program: bad"))},
		{"without types", "CONFIG_DEBUG_INFO_BTF", explainTypes(fmt.Errorf("open: %w", fs.ErrNotExist))},
	} {
		var missing *inject.MissingError
		if !errors.As(test.err, &missing) || !strings.Contains(test.err.Error(), test.text) {
			t.Errorf("%s: %v (%T), want a MissingError with %q", test.name, test.err, test.err, test.text)
		}
	}
	var missing *inject.MissingError
	if err := explainTypes(errors.New("unexpected end")); errors.As(err, &missing) {
		t.Errorf("types that cannot be read are taken for missing: %v", err)
	}
}
