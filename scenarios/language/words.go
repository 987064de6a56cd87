package language

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// flowOf writes a value of the scenario language on one line, as YAML does.
func flowOf(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Count:
		return x.Source
	case Port:
		return x.String()
	case Duration:
		return time.Duration(x).String()
	case Percent:
		return fmt.Sprintf("%g%%", math.Round(float64(x)*1e6)/1e4)
	case Sysctl:
		return x.Name + "=" + x.Value
	case SockOption:
		return x.Name + "=" + x.Value
	}
	switch v.Kind() {
	case reflect.Pointer:
		return flowOf(v.Elem())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = flowOf(v.Index(i))
		}
		if len(items) == 1 {
			return items[0]
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int {
			return strings.Compare(a.String(), b.String())
		})
		items := make([]string, len(keys))
		for i, k := range keys {
			items[i] = k.String() + ": " + flowOf(v.MapIndex(k))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case reflect.Struct:
		return "{" + strings.Join(flowFields(v), ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// flowFields writes the fields of a struct that are set, without positions in files.
func flowFields(v reflect.Value) []string {
	var fields []string
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		switch {
		case f.IsZero() || t.Name == "Pos":
		case t.Anonymous:
			fields = append(fields, flowFields(f)...)
		case f.Kind() == reflect.Bool:
			fields = append(fields, jsonName(t))
		default:
			fields = append(fields, jsonName(t)+": "+flowOf(f))
		}
	}
	return fields
}

func jsonName(t reflect.StructField) string {
	name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
	return name
}
