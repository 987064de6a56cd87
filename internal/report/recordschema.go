package report

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// RecordSchema returns the JSON Schema (draft 2020-12) of a record, from the Go types: of a line of
// results, and of what other commands write with --format json. It does not forbid other keys, because
// a later version may add some.
func RecordSchema() ([]byte, error) {
	root := &jsonschema.Schema{
		Version: jsonschema.Version, Title: "halfopen record",
		Description: "A line of JSON that halfopen writes for programs. Later versions of the same " +
			"schema may add keys and kinds of records: pass over what you do not know.",
		Definitions: jsonschema.Definitions{},
	}
	for _, k := range kinds {
		name := string(k.kind)
		root.Definitions[name] = k.schema(root.Definitions)
		root.OneOf = append(root.OneOf, &jsonschema.Schema{Ref: "#/$defs/" + name})
	}
	return json.MarshalIndent(root, "", "  ")
}

// schema returns the schema of a kind, and adds the definitions that it refers to.
func (k *recordKind) schema(defs jsonschema.Definitions) *jsonschema.Schema {
	of := reflect.TypeOf(k.new()).Elem()
	r := jsonschema.Reflector{
		Anonymous: true, AllowAdditionalProperties: true, ExpandedStruct: true,
		// Types of several packages have the same name; a kind has no dot in it.
		Namer: func(t reflect.Type) string {
			if t.Name() == "" {
				return ""
			}
			words := strings.Split(t.PkgPath(), "/")
			return words[len(words)-1] + "." + t.Name()
		},
	}
	s := r.ReflectFromType(of)
	for name, def := range s.Definitions {
		defs[name] = def
	}
	s.Version, s.Definitions, s.Description = "", nil, k.what
	s.Properties.Set("schema", &jsonschema.Schema{Const: Schema})
	s.Properties.Set("record", &jsonschema.Schema{Const: k.kind})
	return s
}
