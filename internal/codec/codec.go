// Package codec passes Go values between processes that are the same program: a run, its lab, its
// actors and its guests.
//
// Package json needs a millisecond or more for the first value that it writes or reads: it prepares
// for every type that the value could contain, and a scenario could contain all of the language. Each
// process of a run would pay for that. This package looks only at the types that a value has. It
// writes no names and no versions: fields are known by their place.
//
// The same fields are passed on as in JSON: exported ones, without those whose tag is json:"-". Types
// that write their own JSON or text do so here as well. Interfaces, functions and channels cannot be
// passed on.
package codec

import (
	"bufio"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// largest is the largest message in bytes.
const largest = 1 << 30

// Encoder writes values. Make it with [NewEncoder]. Its methods must not be called concurrently.
type Encoder struct {
	w   io.Writer
	buf []byte
}

// NewEncoder returns an encoder that writes to w, each value in one call.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Encode writes v, or the value that it points to.
func (e *Encoder) Encode(v any) error {
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	buf, err := encode(append(e.buf[:0], 0, 0, 0, 0), value)
	if err != nil {
		return err
	}
	size := len(buf) - 4
	if size > largest {
		return fmt.Errorf("a message of %d bytes is larger than %d", size, largest)
	}
	binary.LittleEndian.PutUint32(buf, uint32(size))
	if cap(buf) <= 64<<10 {
		e.buf = buf
	}
	_, err = e.w.Write(buf)
	return err
}

// Decoder reads values. Make it with [NewDecoder]. Its methods must not be called concurrently.
type Decoder struct{ r *bufio.Reader }

// NewDecoder returns a decoder that reads from r, which it may read ahead.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{bufio.NewReaderSize(r, 16<<10)} }

// Decode reads the next value into the one that v points to. That one must be zero, or have only
// pointers to zero values. At the end of the input the error is io.EOF, within a value
// io.ErrUnexpectedEOF.
func (d *Decoder) Decode(v any) error {
	var head [4]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > largest {
		return fmt.Errorf("%w: it has %d bytes", errMalformed, size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(d.r, data); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	in := input{data}
	if err := in.decode(reflect.ValueOf(v).Elem()); err != nil {
		return err
	}
	if len(in.data) > 0 {
		return fmt.Errorf("%w: %d bytes are left over", errMalformed, len(in.data))
	}
	return nil
}

// form is how the values of a type are written.
type form struct {
	// json and text are set for types that write themselves.
	json, text bool
	// fields are the indexes of the fields of a struct that are passed on.
	fields []int
}

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// forms has the *form of each reflect.Type seen.
var forms sync.Map

// plain is the form of types without methods and fields.
var plain = &form{}

func formOf(t reflect.Type) *form {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return plain // predeclared, or without a name
	}
	if f, ok := forms.Load(t); ok {
		return f.(*form)
	}
	f := &form{}
	switch pointer := reflect.PointerTo(t); {
	case t == rawType:
	case pointer.Implements(jsonType):
		f.json = true
	case pointer.Implements(textType):
		f.text = true
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			embedded := field.Anonymous && field.Type.Kind() == reflect.Struct
			if field.Tag.Get("json") != "-" && (field.IsExported() || embedded) {
				f.fields = append(f.fields, i)
			}
		}
	}
	forms.Store(t, f)
	return f
}
