//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"halfopen/internal/testlab"
)

// someTypes are a struct that contains another, an enum, a tracepoint, and types that nobody wants.
func someTypes(t testing.TB) []byte {
	t.Helper()
	number := &btf.Int{Name: "int", Size: 4}
	common := &btf.Struct{Name: "sock_common", Size: 8, Members: []btf.Member{
		{Name: "state", Type: &btf.Volatile{Type: number}},
		{Name: "flags", Type: &btf.Array{Index: number, Type: number, Nelems: 1}, Offset: 32},
	}}
	other := &btf.Struct{Name: "task_struct", Size: 4, Members: []btf.Member{
		{Name: "pid", Type: number},
	}}
	function := &btf.FuncProto{Return: number, Params: []btf.FuncParam{
		{Name: "data", Type: &btf.Pointer{Target: &btf.Void{}}},
		{Name: "task", Type: &btf.Pointer{Target: other}},
	}}
	sock := &btf.Struct{Name: "sock", Size: 24, Members: []btf.Member{
		{Name: "common", Type: common},
		{Name: "owner", Type: &btf.Pointer{Target: other}, Offset: 64},
		{Name: "ready", Type: &btf.Pointer{Target: function}, Offset: 128},
	}}
	reasons := &btf.Enum{Name: "reason", Size: 4, Values: []btf.EnumValue{{Name: "NONE"}}}
	b, err := btf.NewBuilder([]btf.Type{
		other, sock, reasons,
		&btf.Typedef{Name: "btf_trace_probe", Type: &btf.Pointer{Target: function}},
		&btf.Typedef{Name: "btf_trace_other", Type: &btf.Pointer{Target: function}},
		&btf.Typedef{Name: "sock_t", Type: sock},
	}, nil)
	try(t, err)
	raw, err := b.Marshal(nil, nil)
	try(t, err)
	return raw
}

func TestPickedTypes(t *testing.T) {
	raw := someTypes(t)
	picked, targets, err := pick(raw, []string{"sock", "reason", "missing"}, []string{"probe"})
	try(t, err)
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(picked))
	try(t, err)

	var sock *btf.Struct
	try(t, spec.TypeByName("sock", &sock))
	members := func(s *btf.Struct) (all []string) {
		for _, m := range s.Members {
			all = append(all, fmt.Sprintf("%s %v at %d", m.Name, m.Type, m.Offset))
		}
		return all
	}
	want := []string{
		`common Struct:"sock_common"[fields=2 fieldNames=[state flags]] at 0`,
		`owner Pointer[target=Void] at 64`, `ready Pointer[target=FuncProto] at 128`,
	}
	if diff := cmp.Diff(want, members(sock)); diff != "" {
		t.Errorf("the members of sock (-want +got):\n%s", diff)
	}
	var common *btf.Struct
	try(t, spec.TypeByName("sock_common", &common))
	want = []string{
		`state Volatile[Int:"int"] at 0`,
		`flags Array[index=Int:"int" type=Int:"int" n=1] at 32`,
	}
	if diff := cmp.Diff(want, members(common)); diff != "" {
		t.Errorf("the members of sock_common (-want +got):\n%s", diff)
	}
	if got, err := arguments(spec, "probe"); got != 1 || err != nil {
		t.Errorf("the tracepoint has %d arguments, %v, want 1", got, err)
	}
	if n, ok := enumerator(spec, "reason", "NONE"); n != 0 || !ok {
		t.Errorf("NONE is %d, %v, want 0", n, ok)
	}
	for _, name := range []string{"task_struct", "sock_t", "btf_trace_other", "missing"} {
		if _, err := spec.AnyTypeByName(name); !errors.Is(err, btf.ErrNotFound) {
			t.Errorf("%s: %v, want it left out", name, err)
		}
	}
	all, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	try(t, err)
	var def *btf.Typedef
	try(t, all.TypeByName("btf_trace_probe", &def))
	id, err := all.TypeID(def)
	try(t, err)
	if diff := cmp.Diff(map[string]uint32{"probe": uint32(id)}, targets); diff != "" {
		t.Errorf("the numbers of the tracepoints (-want +got):\n%s", diff)
	}
}

func TestMalformedTypes(t *testing.T) {
	raw := someTypes(t)
	for n := range raw {
		_, _, err := pick(raw[:n], []string{"sock"}, nil)
		if !errors.Is(err, errBTF) {
			t.Errorf("of the first %d bytes, pick returns %v, want %v", n, err, errBTF)
		}
	}
	for i := range raw {
		for _, b := range []byte{0, 1, 0x7f, 0xff} {
			broken := bytes.Clone(raw)
			broken[i] = b
			_, _, err := pick(broken, []string{"sock", "reason"}, []string{"probe"})
			if err != nil && !errors.Is(err, errBTF) {
				t.Errorf("with byte %d = %#x, pick returns %v, want %v or nil", i, b, err, errBTF)
			}
		}
	}
}

// The programs fit the running kernel as they would if all of its types were read.
func TestPickedTypesAreThoseOfTheKernel(t *testing.T) {
	all, err := btf.LoadKernelSpec()
	if err != nil {
		testlab.Supported(t, explainTypes(err))
	}
	spec := loadSpec(t)
	picked, err := sockets.readKernel(spec)
	try(t, err)
	for _, p := range sockets.points {
		var def *btf.Typedef
		if all.TypeByName(tracePrefix+p.name, &def) == nil {
			id, err := all.TypeID(def)
			try(t, err)
			if picked.targets[p.name] != uint32(id) {
				t.Errorf("%s is type %d, want %d", p.name, picked.targets[p.name], id)
			}
		}
		program := spec.Programs[p.name].Instructions
		want, got := fixups(t, program, all), fixups(t, program, picked.Spec)
		if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
			t.Errorf("%s has %d relocations (-all types +picked types):\n%s",
				p.name, len(got), diff)
		}
	}
	for _, enum := range []struct{ name, prefix string }{
		{dropReasons, dropReasonPrefix}, {resetReasons, resetReasonPrefix},
	} {
		want := reasons(all, enum.name, enum.prefix)
		if diff := cmp.Diff(want, reasons(picked.Spec, enum.name, enum.prefix)); diff != "" {
			t.Errorf("%s (-all types +picked types):\n%s", enum.name, diff)
		}
	}
}

func fixups(t testing.TB, program asm.Instructions, kernel *btf.Spec) []string {
	t.Helper()
	var relocations []*btf.CORERelocation
	for i := range program {
		if r := btf.CORERelocationMetadata(&program[i]); r != nil {
			relocations = append(relocations, r)
		}
	}
	found, err := btf.CORERelocate(relocations, []*btf.Spec{kernel}, le, nil)
	try(t, err)
	var texts []string
	for _, f := range found {
		texts = append(texts, f.String())
	}
	return texts
}

func TestTheVerifiersLastWords(t *testing.T) {
	refused := errors.New("permission denied")
	for _, tt := range []struct{ name, log, want string }{
		{"no log", "", "permission denied"},
		{
			"the refusal is before the statistics",
			"0: R1=ctx()\n7: (79) r1 = *(u64 *)(r1 +24)\ninvalid bpf_context access off=24 size=8\n" +
				"processed 8 insns (limit 1000000) max_states_per_insn 0\n",
			"permission denied: 7: (79) r1 = *(u64 *)(r1 +24): " +
				"invalid bpf_context access off=24 size=8",
		},
		{"nothing but the refusal", "unknown func 3\n", "permission denied: unknown func 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := withLastLines(refused, tt.log).Error(); got != tt.want {
				t.Errorf("the error is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMappedFile(t *testing.T) {
	path := t.TempDir() + "/types"
	try(t, os.WriteFile(path, []byte("text"), 0o600))
	data, done, err := mapFile(path)
	try(t, err)
	if string(data) != "text" {
		t.Errorf("the file has %q", data)
	}
	done()
	if _, _, err := mapFile(path + "2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
}
