package conform

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	const schema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",` +
		`"properties":{"a":{"type":"object","properties":{"at":{"type":"string","format":"date-time"}}}}}`
	for _, tt := range []struct{ name, schema, text, want string }{
		{"what it allows", schema, `{"a":{"at":"2026-01-02T03:04:05Z"}}` + "\n" + `{}` + "\n", ""},
		{"a key that is not in it", schema, `{}` + "\n" + `{"a":{"b":1}}` + "\n", "line 2: "},
		{"no time", schema, `{"a":{"at":"today"}}` + "\n", "line 1: "},
		{"no JSON", schema, "{\n", "line 1: "},
		{"no line", schema, "", "the last line has no end"},
		{"half a line", schema, `{}`, "the last line has no end"},
		{"a schema that is none", `{"type":"thing"}`, `{}` + "\n", "compiling the schema: "},
		{"a schema that is no JSON", `{`, `{}` + "\n", "reading the schema: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Lines([]byte(tt.schema), tt.text)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}
