package language

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"
)

// Parts of patterns.
const (
	anInteger  = `-?[0-9]+`
	aDuration  = `([0-9.]+ *(ns|us|µs|ms|s|m|h) *)+`
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

func infoSchema(b *schemaBuilder, _ reflect.Type) *jsonschema.Schema {
	words := slices.Concat(infoNames["state"][1:], infoNames["ca_state"])
	value := b.define("InfoValue", b.of(reflect.TypeFor[Count]()), b.of(reflect.TypeFor[Span]()),
		enumOf(words), b.of(reflect.TypeFor[State]()))
	return &jsonschema.Schema{Type: "object", AdditionalProperties: value}
}

func portSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), integer(), matching(`^[0-9]+( *\.\. *[0-9]+)?$`), b.parameter())
}

// stateSchema offers the states by their names, and takes those that mean the same: in upper or
// lower case, with -, _, a blank or nothing between the words.
func stateSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), enumOf(State("").Words()), matching("^("+anyState()+")$"), b.parameter())
}

// pathStateSchema offers the states of a path, which may have ? after them.
func pathStateSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), enumOf(State("").Words()), matching(`^(`+anyState()+`)\??$`),
		b.parameter())
}

// anyState matches all names of all states.
func anyState() string {
	words := State("").Words()
	names := slices.Collect(maps.Keys(stateAliases))
	for _, w := range words {
		names = append(names, bareState(w))
	}
	slices.Sort(names)
	var pattern strings.Builder
	for i, name := range names {
		if i > 0 {
			pattern.WriteString("|")
		}
		for j, r := range name {
			if j > 0 {
				pattern.WriteString("[-_ ]?")
			}
			if unicode.IsLetter(r) {
				fmt.Fprintf(&pattern, "[%c%c]", r, unicode.ToLower(r))
			} else {
				pattern.WriteRune(r)
			}
		}
	}
	return pattern.String()
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
