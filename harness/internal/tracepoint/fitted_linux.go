//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// fitted are the programs fitted to a kernel, with all that Open needs before it asks the kernel to
// load them. It depends on nothing but the object and the kernel's types, so it can be kept: see
// store.
type fitted struct {
	Maps                      map[string]fittedMap
	Programs                  []fittedProgram
	Missing                   []fittedGap
	DropReasons, ResetReasons map[uint32]string
}

// fittedMap is a map to be made.
type fittedMap struct {
	Type                                  ebpf.MapType
	KeySize, ValueSize, MaxEntries, Flags uint32
	// Typed is set if the kernel wants to know the types of the key and the value.
	Typed bool `json:",omitempty"`
	// Contents are the constants that the map holds.
	Contents []byte `json:",omitempty"`
}

// fittedProgram is a program to be loaded and attached.
type fittedProgram struct {
	// Point is the index of its tracepoint in those of the object.
	Point         int
	Name, License string
	Code          []byte
	// Uses are the places in Code that want the descriptor of a map.
	Uses []mapUse
	// Target is the number of the tracepoint's type.
	Target uint32
}

// mapUse is the place of a map's descriptor, of 4 bytes.
type mapUse struct {
	At  int
	Map string
}

// fittedGap is a Gap, its error as a text.
type fittedGap struct {
	Tracepoint string
	Kind       Kind
	Lacks, Err string
}

// fit works out what the running kernel wants.
func (o *object) fit() (*fitted, error) {
	spec, err := o.load()
	if err != nil {
		return nil, fmt.Errorf("reading the eBPF programs: %w", err)
	}
	kernel, err := o.readKernel(spec)
	if err != nil {
		return nil, explainTypes(err)
	}
	gaps, err := o.adapt(spec, kernel.Spec)
	if err != nil {
		return nil, fmt.Errorf("adapting the eBPF programs to this kernel: %w", err)
	}
	f := &fitted{
		Maps:         map[string]fittedMap{},
		DropReasons:  reasons(kernel.Spec, dropReasons, dropReasonPrefix),
		ResetReasons: reasons(kernel.Spec, resetReasons, resetReasonPrefix),
	}
	for _, g := range gaps {
		f.miss(g)
	}
	for name, m := range spec.Maps {
		if f.Maps[name], err = fitMap(m); err != nil {
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
	}
	for i, p := range o.points {
		program, ok := spec.Programs[p.name]
		if !ok {
			continue
		}
		fit := fittedProgram{
			Point: i, Name: program.Name, License: program.License, Target: kernel.targets[p.name],
		}
		if fit.Code, fit.Uses, err = relocate(program.Instructions, kernel.Spec); err != nil {
			f.miss(Gap{
				Tracepoint: p.system + ":" + p.name, Kind: p.kind,
				Err: fmt.Errorf("fitting the program to this kernel: %w", err),
			})
			continue
		}
		f.Programs = append(f.Programs, fit)
	}
	return f, nil
}

func (f *fitted) miss(g Gap) {
	text := ""
	if g.Err != nil {
		text = g.Err.Error()
	}
	f.Missing = append(f.Missing, fittedGap{g.Tracepoint, g.Kind, g.Lacks, text})
}

// gap returns a gap as users of the package see it.
func (g fittedGap) gap() Gap {
	gap := Gap{Tracepoint: g.Tracepoint, Kind: g.Kind, Lacks: g.Lacks}
	if g.Err != "" {
		gap.Err = errors.New(g.Err)
	}
	return gap
}

func fitMap(m *ebpf.MapSpec) (fittedMap, error) {
	fit := fittedMap{
		Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Typed: m.Type == ebpf.SkStorage,
	}
	switch len(m.Contents) {
	case 0:
		return fit, nil
	case 1:
		contents, ok := m.Contents[0].Value.([]byte)
		if ok {
			fit.Contents = contents
			return fit, nil
		}
	}
	return fit, errors.New("its contents are not those of constants")
}

// create makes the map.
func (m fittedMap) create(name string) (*ebpf.Map, error) {
	spec := &ebpf.MapSpec{
		Name: name, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize,
		MaxEntries: m.MaxEntries, Flags: m.Flags,
	}
	if m.Typed {
		// The kernel compares sizes, nothing else.
		spec.Key = &btf.Int{Name: "int", Size: m.KeySize, Encoding: btf.Signed}
		spec.Value = &btf.Struct{Name: "value", Size: m.ValueSize, Members: []btf.Member{{
			Name: "bytes",
			Type: &btf.Array{
				Index: &btf.Int{Name: "index", Size: 4},
				Type:  &btf.Int{Name: "byte", Size: 1}, Nelems: m.ValueSize,
			},
		}}}
	}
	if m.Contents != nil {
		spec.Contents = []ebpf.MapKV{{Key: uint32(0), Value: m.Contents}}
	}
	made, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("making map %s: %w", name, err)
	}
	return made, nil
}

// unmade stands for a map that has no descriptor yet.
type unmade struct{}

func (unmade) FD() int { return 0 }

// relocate returns the instructions with the kernel's own offsets of fields, and where they use
// maps.
func relocate(program asm.Instructions, kernel *btf.Spec) (code []byte, uses []mapUse, _ error) {
	program = append(asm.Instructions(nil), program...)
	var relocations []*btf.CORERelocation
	var relocated []int
	at := 0
	for i := range program {
		ins := &program[i]
		if r := btf.CORERelocationMetadata(ins); r != nil {
			relocations, relocated = append(relocations, r), append(relocated, i)
		}
		if ins.IsLoadFromMap() && ins.Reference() != "" {
			const opcodeAndRegistersAndOffset = 4
			uses = append(uses, mapUse{at + opcodeAndRegistersAndOffset, ins.Reference()})
			if err := ins.AssociateMap(unmade{}); err != nil {
				return nil, nil, err
			}
		}
		at += int(ins.Size())
	}
	local := func(btf.Type) (btf.TypeID, error) {
		return 0, errors.New("the program asks for the number of one of its types")
	}
	fixups, err := btf.CORERelocate(relocations, []*btf.Spec{kernel}, le, local)
	if err != nil {
		return nil, nil, err
	}
	for i, fixup := range fixups {
		if err := fixup.Apply(&program[relocated[i]]); err != nil {
			return nil, nil, err
		}
	}
	var b bytes.Buffer
	err = program.Marshal(&b, le)
	return b.Bytes(), uses, err
}

// with returns the code with the descriptors of the maps.
func (p *fittedProgram) with(maps map[string]*ebpf.Map) ([]byte, error) {
	code := bytes.Clone(p.Code)
	for _, use := range p.Uses {
		m := maps[use.Map]
		if m == nil || use.At < 0 || use.At+4 > len(code) {
			return nil, fmt.Errorf("there is no map %s, or no instruction at %d", use.Map, use.At)
		}
		le.PutUint32(code[use.At:], uint32(m.FD()))
	}
	return code, nil
}
