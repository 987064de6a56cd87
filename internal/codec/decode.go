package codec

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// errMalformed is wrapped by the errors for messages that no [Encoder] writes.
var errMalformed = errors.New("malformed message")

// input is the rest of a message.
type input struct{ data []byte }

// take returns the next n bytes.
func (in *input) take(n uint64) ([]byte, error) {
	if n > uint64(len(in.data)) {
		return nil, fmt.Errorf("%w: it ends too early", errMalformed)
	}
	taken := in.data[:n:n]
	in.data = in.data[n:]
	return taken, nil
}

func (in *input) uint() (uint64, error) {
	u, n := binary.Uvarint(in.data)
	if n <= 0 {
		return 0, fmt.Errorf("%w: a number is wrong", errMalformed)
	}
	in.data = in.data[n:]
	return u, nil
}

// length reads the length of a slice or a map, or that it is nil. Each element takes a byte or more
// of the message, so a length beyond the rest of it is wrong.
func (in *input) length() (n int, isNil bool, err error) {
	u, err := in.uint()
	if err != nil || u == 0 {
		return 0, true, err
	}
	if u-1 > uint64(len(in.data)) {
		return 0, false, fmt.Errorf("%w: %d elements are too many", errMalformed, u-1)
	}
	return int(u - 1), false, nil
}

// text reads a length and that many bytes.
func (in *input) text() ([]byte, error) {
	n, err := in.uint()
	if err != nil {
		return nil, err
	}
	return in.take(n)
}

// decode reads a value. Slices of bytes share the memory of the message.
func (in *input) decode(v reflect.Value) error {
	t := v.Type()
	f := formOf(t)
	if f.json || f.text {
		text, err := in.text()
		if err != nil {
			return err
		}
		if f.json {
			return json.Unmarshal(text, v.Addr().Interface())
		}
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	switch t.Kind() {
	case reflect.Bool:
		b, err := in.take(1)
		if err == nil {
			v.SetBool(b[0] != 0)
		}
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, n := binary.Varint(in.data)
		if n <= 0 || v.OverflowInt(i) {
			return fmt.Errorf("%w: a number is wrong", errMalformed)
		}
		in.data = in.data[n:]
		v.SetInt(i)
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		u, err := in.uint()
		if err == nil && v.OverflowUint(u) {
			err = fmt.Errorf("%w: a number is wrong", errMalformed)
		}
		if err == nil {
			v.SetUint(u)
		}
		return err
	case reflect.Float32, reflect.Float64:
		b, err := in.take(8)
		if err == nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
		return err
	case reflect.String:
		text, err := in.text()
		if err == nil {
			v.SetString(string(text))
		}
		return err
	case reflect.Pointer:
		there, err := in.take(1)
		if err != nil || there[0] == 0 {
			return err
		}
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		return in.decode(v.Elem())
	case reflect.Slice:
		return in.slice(v)
	case reflect.Array:
		for i := range v.Len() {
			if err := in.decode(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return in.dictionary(v)
	case reflect.Struct:
		return in.fields(v, f)
	}
	return fmt.Errorf("a %s cannot be passed on", t)
}

func (in *input) slice(v reflect.Value) error {
	n, isNil, err := in.length()
	if err != nil || isNil {
		return err
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		bytes, err := in.take(uint64(n))
		if err == nil {
			v.SetBytes(bytes)
		}
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		if err := in.decode(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) dictionary(v reflect.Value) error {
	n, isNil, err := in.length()
	if err != nil || isNil {
		return err
	}
	t := v.Type()
	v.Set(reflect.MakeMapWithSize(t, n))
	key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	for range n {
		key.SetZero()
		value.SetZero()
		if err := in.decode(key); err != nil {
			return err
		}
		if err := in.decode(value); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}

func (in *input) fields(v reflect.Value, f *form) error {
	t := v.Type()
	for {
		i, err := in.uint()
		if err != nil || i == 0 {
			return err
		}
		if i > uint64(t.NumField()) || !slices.Contains(f.fields, int(i-1)) {
			return fmt.Errorf("%w: %s has no field %d", errMalformed, t, i)
		}
		if err := in.decode(v.Field(int(i - 1))); err != nil {
			return fmt.Errorf("%s: %w", t.Field(int(i-1)).Name, err)
		}
	}
}
