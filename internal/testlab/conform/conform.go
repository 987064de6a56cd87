// Package conform compares JSON with a JSON Schema, for tests.
package conform

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Lines compares each line of a text with a JSON Schema of draft 2020-12, which must itself be valid.
// Objects of the schema with properties are closed: a key that the schema does not have is an error,
// although readers pass it over. A text without a line is an error, too.
func Lines(schema []byte, text string) error {
	s, err := compile(schema)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(text, "\n") {
		return fmt.Errorf("the last line has no end: %q", text[max(0, len(text)-100):])
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = s.Validate(value)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w\n%.300s", i+1, err, line)
		}
	}
	return nil
}

func compile(schema []byte) (*jsonschema.Schema, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	closeObjects(value)
	const url = "mem:///schema.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(url, value); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema: %w", err)
	}
	return s, nil
}

// closeObjects forbids other keys in the objects of a schema that have properties.
func closeObjects(value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}
