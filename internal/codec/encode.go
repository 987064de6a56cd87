package codec

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// encode appends a value to buf.
func encode(buf []byte, v reflect.Value) ([]byte, error) {
	t := v.Type()
	f := formOf(t)
	if f.json || f.text {
		return encodeItself(buf, v, f)
	}
	var err error
	switch t.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(buf, 1), nil
		}
		return append(buf, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(buf, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return binary.AppendUvarint(buf, v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return binary.LittleEndian.AppendUint64(buf, math.Float64bits(v.Float())), nil
	case reflect.String:
		s := v.String()
		return append(binary.AppendUvarint(buf, uint64(len(s))), s...), nil
	case reflect.Pointer:
		if v.IsNil() {
			return append(buf, 0), nil
		}
		return encode(append(buf, 1), v.Elem())
	case reflect.Slice:
		// 0 is a nil slice, n+1 a slice of n elements.
		if v.IsNil() {
			return append(buf, 0), nil
		}
		buf = binary.AppendUvarint(buf, uint64(v.Len())+1)
		if t.Elem().Kind() == reflect.Uint8 {
			return append(buf, v.Bytes()...), nil
		}
		for i := range v.Len() {
			if buf, err = encode(buf, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return buf, nil
	case reflect.Array:
		for i := range v.Len() {
			if buf, err = encode(buf, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return buf, nil
	case reflect.Map:
		if v.IsNil() {
			return append(buf, 0), nil
		}
		buf = binary.AppendUvarint(buf, uint64(v.Len())+1)
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for all := v.MapRange(); all.Next(); {
			key.SetIterKey(all)
			if buf, err = encode(buf, key); err != nil {
				return nil, err
			}
			value.SetIterValue(all)
			if buf, err = encode(buf, value); err != nil {
				return nil, err
			}
		}
		return buf, nil
	case reflect.Struct:
		// Each field that is not zero after its index, counted from 1; 0 ends them.
		for _, i := range f.fields {
			field := v.Field(i)
			if field.IsZero() {
				continue
			}
			if buf, err = encode(binary.AppendUvarint(buf, uint64(i)+1), field); err != nil {
				return nil, fmt.Errorf("%s: %w", t.Field(i).Name, err)
			}
		}
		return append(buf, 0), nil
	}
	return nil, fmt.Errorf("a %s cannot be passed on", t)
}

// encodeItself appends the JSON or the text that a value writes of itself.
func encodeItself(buf []byte, v reflect.Value, f *form) ([]byte, error) {
	if !v.CanAddr() {
		addressable := reflect.New(v.Type()).Elem()
		addressable.Set(v)
		v = addressable
	}
	var text []byte
	var err error
	if f.json {
		text, err = v.Addr().Interface().(json.Marshaler).MarshalJSON()
	} else {
		text, err = v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
	}
	if err != nil {
		return nil, err
	}
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...), nil
}
