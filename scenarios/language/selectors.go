package language

import "reflect"

// Selectors returns the selectors of all faults and expectations of the scenario, wherever they
// stand.
func (s *Scenario) Selectors() []*Selector {
	var all []*Selector
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if m, ok := v.Addr().Interface().(*Selector); ok {
				all = append(all, m)
				return
			}
			for _, f := range reflect.VisibleFields(v.Type()) {
				if f.IsExported() && len(f.Index) == 1 {
					walk(v.FieldByIndex(f.Index))
				}
			}
		}
	}
	walk(reflect.ValueOf(&s.Faults))
	walk(reflect.ValueOf(&s.Expect))
	return all
}
