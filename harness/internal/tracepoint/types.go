package tracepoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The kernel describes some 100 000 types in 5 MB of BTF (Documentation/bpf/btf.rst). To read all
// of them takes longer than everything else here together, and 20 MB. The programs need a few
// hundred: the structs and enums that they name, what these contain, and the tracepoints.

// The kinds of types in BTF.
const (
	btfInt       = 1
	btfPtr       = 2
	btfArray     = 3
	btfStruct    = 4
	btfUnion     = 5
	btfEnum      = 6
	btfFwd       = 7
	btfTypedef   = 8
	btfVolatile  = 9
	btfConst     = 10
	btfRestrict  = 11
	btfFunc      = 12
	btfFuncProto = 13
	btfVar       = 14
	btfDatasec   = 15
	btfFloat     = 16
	btfDeclTag   = 17
	btfTypeTag   = 18
	btfEnum64    = 19
)

// tracePrefix is before the name of a tracepoint in that of its type.
const tracePrefix = "btf_trace_"

const (
	btfMagic      = 0xeb9f
	btfHeaderSize = 24
	btfTypeSize   = 12
)

// extra is how many bytes follow the record of a type, by kind: some for the type, and some for
// each of its members.
var extra = [...]struct{ once, each int }{
	btfInt: {4, 0}, btfPtr: {}, btfArray: {12, 0}, btfStruct: {0, 12}, btfUnion: {0, 12},
	btfEnum: {0, 8}, btfFwd: {}, btfTypedef: {}, btfVolatile: {}, btfConst: {}, btfRestrict: {},
	btfFunc: {}, btfFuncProto: {0, 8}, btfVar: {4, 0}, btfDatasec: {0, 12}, btfFloat: {},
	btfDeclTag: {4, 0}, btfTypeTag: {}, btfEnum64: {0, 12},
}

var errBTF = errors.New("the kernel's types are malformed")

// le reads and writes BTF: all systems with the programs are little-endian.
var le = binary.LittleEndian

// btfType is the record of a type, and what follows it.
type btfType []byte

func (t btfType) kind() int    { return int(le.Uint32(t[4:]) >> 24 & 0x1f) }
func (t btfType) members() int { return int(le.Uint32(t[4:]) & 0xffff) }

// size returns how many bytes the record and what follows it take.
func (t btfType) size() int {
	e := extra[t.kind()]
	return btfTypeSize + e.once + e.each*t.members()
}

// rawTypes are the types of a kernel.
type rawTypes struct {
	types, strings []byte
	// marks are the positions of the types whose numbers are 1, 1+stride, 1+2*stride and so on.
	marks []uint32
	// last is the number of the last type.
	last uint32
}

// stride is how many types there are from one mark to the next: a mark for each would take as long
// to write as the types take to read.
const stride = 16

// readTypes splits BTF, and calls see for each type with its number. texts are the strings.
func readTypes(raw []byte, see func(texts []byte, id uint32, t btfType)) (*rawTypes, error) {
	if len(raw) < btfHeaderSize || le.Uint16(raw) != btfMagic {
		return nil, fmt.Errorf("%w: it is not BTF", errBTF)
	}
	section := func(at int) ([]byte, error) {
		from := uint64(le.Uint32(raw[4:])) + uint64(le.Uint32(raw[at:]))
		to := from + uint64(le.Uint32(raw[at+4:]))
		if to > uint64(len(raw)) {
			return nil, fmt.Errorf("%w: it ends early", errBTF)
		}
		return raw[from:to], nil
	}
	r := &rawTypes{}
	var err error
	if r.types, err = section(8); err != nil {
		return nil, err
	}
	if r.strings, err = section(16); err != nil {
		return nil, err
	}
	r.marks = make([]uint32, 0, len(r.types)/(btfTypeSize*stride)+1)
	for at := 0; at < len(r.types); {
		if at+btfTypeSize > len(r.types) {
			return nil, fmt.Errorf("%w: a type ends early", errBTF)
		}
		kind := btfType(r.types[at:]).kind()
		if kind == 0 || kind >= len(extra) {
			return nil, fmt.Errorf("%w: kind %d is unknown", errBTF, kind)
		}
		end := at + btfType(r.types[at:]).size()
		if end > len(r.types) {
			return nil, fmt.Errorf("%w: a type ends early", errBTF)
		}
		if r.last%stride == 0 {
			r.marks = append(r.marks, uint32(at))
		}
		r.last++
		see(r.strings, r.last, r.types[at:end])
		at = end
	}
	return r, nil
}

// at returns a type by its number, which is not 0.
func (r *rawTypes) at(id uint32) (btfType, error) {
	if id == 0 || id > r.last {
		return nil, fmt.Errorf("%w: there is no type %d", errBTF, id)
	}
	at := int(r.marks[(id-1)/stride])
	for range (id - 1) % stride {
		at += btfType(r.types[at:]).size()
	}
	t := btfType(r.types[at:])
	return t[:t.size()], nil
}

// text returns the string at an offset, with the zero byte that ends it.
func (r *rawTypes) text(at uint32) ([]byte, error) {
	if uint64(at) < uint64(len(r.strings)) {
		if n := bytes.IndexByte(r.strings[at:], 0); n >= 0 {
			return r.strings[at : int(at)+n+1], nil
		}
	}
	return nil, fmt.Errorf("%w: there is no string %d", errBTF, at)
}

// wanted are names of types, by their first letter: most types differ there.
type wanted [256][]string

func (w *wanted) add(name string) { w[name[0]] = append(w[name[0]], name) }

// named returns the name at an offset if it is wanted, else "".
func (w *wanted) named(texts []byte, at uint32) string {
	if uint64(at) >= uint64(len(texts)) {
		return ""
	}
	for _, name := range w[texts[at]] {
		end := int(at) + len(name)
		if end < len(texts) && texts[end] == 0 && string(texts[at:end]) == name {
			return name
		}
	}
	return ""
}

// pick returns BTF of the types that the programs need: the structs, unions and enums with one of
// the names, what they contain, and the types of the tracepoints. Behind a pointer there is no
// type, except that of a function, whose parameters have none. targets are the numbers that the
// types of the tracepoints have in the kernel.
func pick(
	raw []byte, names, tracepoints []string,
) (_ []byte, targets map[string]uint32, err error) {
	var composites, typedefs wanted
	for _, name := range names {
		composites.add(name)
	}
	for _, name := range tracepoints {
		typedefs.add(tracePrefix + name)
	}
	p := newPicker()
	targets = map[string]uint32{}
	p.from, err = readTypes(raw, func(texts []byte, id uint32, t btfType) {
		switch t.kind() {
		case btfStruct, btfUnion, btfEnum, btfEnum64:
			if composites.named(texts, le.Uint32(t)) != "" {
				p.number(id)
			}
		case btfTypedef:
			if name := typedefs.named(texts, le.Uint32(t)); name != "" {
				p.number(id)
				targets[name[len(tracePrefix):]] = id
			}
		}
	})
	if err != nil {
		return nil, nil, err
	}
	picked, err := p.marshal()
	return picked, targets, err
}

// picker copies types, numbered in the order in which they are asked for.
type picker struct {
	from *rawTypes
	// asked are the numbers of the types in from; numbers are their numbers in the copy.
	asked   []uint32
	numbers map[uint32]uint32

	types, strings []byte
	// places are the offsets of the strings in the copy, by those in from.
	places map[uint32]uint32
}

// newPicker returns a picker with room for what kernels have. Set from before marshal.
func newPicker() *picker {
	const types, strings, bytes = 1 << 10, 2 << 10, 64 << 10
	return &picker{
		numbers: make(map[uint32]uint32, types),
		places:  make(map[uint32]uint32, strings),
		types:   make([]byte, 0, bytes),
		strings: make([]byte, 1, bytes), // the string at 0 is ""
	}
}

// number returns the number that a type has in the copy.
func (p *picker) number(id uint32) uint32 {
	if id == 0 {
		return 0
	}
	n, ok := p.numbers[id]
	if !ok {
		p.asked = append(p.asked, id)
		n = uint32(len(p.asked))
		p.numbers[id] = n
	}
	return n
}

// marshal copies the types asked for, and all that they contain.
func (p *picker) marshal() ([]byte, error) {
	for i := 0; i < len(p.asked); i++ { // copying a type asks for more
		if err := p.copy(p.asked[i]); err != nil {
			return nil, err
		}
	}
	header := make([]byte, btfHeaderSize)
	le.PutUint16(header, btfMagic)
	header[2] = 1 // the version
	le.PutUint32(header[4:], btfHeaderSize)
	le.PutUint32(header[12:], uint32(len(p.types)))
	le.PutUint32(header[16:], uint32(len(p.types)))
	le.PutUint32(header[20:], uint32(len(p.strings)))
	return append(append(header, p.types...), p.strings...), nil
}

func (p *picker) copy(id uint32) error {
	t, err := p.from.at(id)
	if err != nil {
		return err
	}
	begin := len(p.types)
	p.types = append(p.types, t...)
	c := btfType(p.types[begin:])
	if err := p.rename(c); err != nil {
		return err
	}
	body, n := c[btfTypeSize:], c.members()
	switch c.kind() {
	case btfInt, btfFwd, btfFloat:
	case btfTypedef, btfVolatile, btfConst, btfRestrict, btfTypeTag:
		p.renumber(c[8:])
	case btfPtr:
		if err := p.pointTo(c[8:]); err != nil {
			return err
		}
	case btfArray:
		p.renumber(body)
		p.renumber(body[4:])
	case btfStruct, btfUnion:
		for m := range n {
			if err := p.rename(body[12*m:]); err != nil {
				return err
			}
			p.renumber(body[12*m+4:])
		}
	case btfEnum, btfEnum64:
		for m := range n {
			if err := p.rename(body[m*extra[c.kind()].each:]); err != nil {
				return err
			}
		}
	case btfFuncProto:
		clear(c[8:]) // of the result and the parameters, only their number is of use
	default:
		return fmt.Errorf("%w: a type contains one of kind %d", errBTF, c.kind())
	}
	return nil
}

// pointTo keeps what a pointer points to only if it is a function.
func (p *picker) pointTo(field []byte) error {
	if id := le.Uint32(field); id != 0 {
		target, err := p.from.at(id)
		if err != nil {
			return err
		}
		if target.kind() == btfFuncProto {
			p.renumber(field)
			return nil
		}
	}
	le.PutUint32(field, 0)
	return nil
}

// renumber changes a number of a type to that in the copy.
func (p *picker) renumber(field []byte) { le.PutUint32(field, p.number(le.Uint32(field))) }

// rename changes the place of a string to that in the copy.
func (p *picker) rename(field []byte) error {
	from := le.Uint32(field)
	if from == 0 {
		return nil // most types have no name
	}
	place, ok := p.places[from]
	if !ok {
		text, err := p.from.text(from)
		if err != nil {
			return err
		}
		place = uint32(len(p.strings))
		p.places[from] = place
		p.strings = append(p.strings, text...)
	}
	le.PutUint32(field, place)
	return nil
}
