package language

import (
	"reflect"

	"github.com/invopop/jsonschema"
)

// Parts of patterns.
const (
	anInteger  = `-?[0-9]+`
	aDuration  = `([0-9.]+(ns|us|µs|ms|s|m|h))+`
	comparison = `((>=|<=|>|<) *)?`
)

func matching(re string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: re}
}

func integer() *jsonschema.Schema { return &jsonschema.Schema{Type: "integer"} }

// zero is the only duration that may be a bare number.
func zero() *jsonschema.Schema { return &jsonschema.Schema{Const: 0} }

func durationSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), matching(`^`+aDuration+`$`), zero(), b.parameter())
}

func percentSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), matching(`^[0-9.]+ *%$`), b.parameter())
}

func sizeSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), integer(), matching(`^[0-9]+ *(B|kB|MB|GB)?$`), b.parameter())
}

func bitRateSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), matching(`^[0-9.]+ *[kmg]?bit$`), b.parameter())
}

func countSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), integer(),
		matching(`^`+comparison+anInteger+`$`),
		matching(`^`+anInteger+`\.\.`+anInteger+`$`),
		b.parameter())
}

func spanSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(),
		matching(`^`+comparison+aDuration+`$`),
		matching(`^`+aDuration+` *\.\. *`+aDuration+`$`),
		matching(`^~?`+aDuration+` *(±|\+-) *(`+aDuration+`|[0-9.]+%)$`),
		zero(), b.parameter())
}

func numberSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), integer(), matching(`^(next|now)?([+-]?[0-9]+)?$`), b.parameter())
}

// text defines a text to match: a bare text, or a mapping.
func (b *schemaBuilder) text(t reflect.Type) *jsonschema.Schema {
	b.define(t.Name(), &jsonschema.Schema{})
	return b.define(t.Name(),
		&jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, b.object(t))
}
