package language

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"

	"halfopen/internal/decode"
)

// ConfigSchema returns the JSON Schema (draft 2020-12) of a file of defaults, for editors.
func ConfigSchema() ([]byte, error) {
	t := reflect.TypeFor[Config]()
	root := &jsonschema.Schema{
		Version: jsonschema.Version, Title: "halfopen defaults", Type: "object",
		Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range decode.Fields(t) {
		sf := t.FieldByIndex(f.Index)
		s := configValue(sf.Type)
		s.Description = sf.Tag.Get("jsonschema_description")
		root.Properties.Set(f.Key, s)
	}
	return json.MarshalIndent(root, "", "  ")
}

// configValue returns the schema of the values of a type.
func configValue(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[AtLeastOne]():
		return &jsonschema.Schema{Type: "integer", Minimum: "1", Maximum: "2147483647"}
	case reflect.TypeFor[Seed]():
		return &jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: "18446744073709551615"}
	case reflect.TypeFor[PositiveTime]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9]`, Examples: []any{"10m"}}
	case reflect.TypeFor[KernelName]():
		// 6.12 is a number to YAML.
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return configValue(t.Elem())
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Slice:
		one := configValue(t.Elem())
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{one, {Type: "array", Items: one}}}
	}
	return &jsonschema.Schema{Type: "string"}
}
