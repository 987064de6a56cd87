package language

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"halfopen/internal/decode"

	"gopkg.in/yaml.v3"
)

// knownKeys adds every key that the decoder knows in a type and in all types below it.
func knownKeys(t reflect.Type, seen map[reflect.Type]bool, keys map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		knownKeys(t.Elem(), seen, keys)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for _, f := range decode.Fields(t) {
			keys[f.Key] = true
			knownKeys(t.FieldByIndex(f.Index).Type, seen, keys)
		}
	}
}

func allKeys() []string {
	keys := map[string]bool{"params": true, "cases": true, "case": true}
	knownKeys(reflect.TypeFor[Scenario](), map[reflect.Type]bool{}, keys)
	var list []string
	for k := range keys {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// loadSchema returns the schema as plain values.
func loadSchema(t *testing.T) map[string]any {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaHasEveryKeyOfTheDecoder(t *testing.T) {
	inSchema := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v["properties"].(map[string]any); ok {
				for key := range p {
					inSchema[key] = true
				}
			}
			for _, value := range v {
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(loadSchema(t))
	for _, key := range allKeys() {
		if !inSchema[key] {
			t.Errorf("the schema has no key %q", key)
		}
	}
	if len(allKeys()) < 100 {
		t.Errorf("only %d keys are known; is the walk broken?", len(allKeys()))
	}
}

// undescribed returns the properties without a description in a part of the schema.
func undescribed(part any) []string {
	var found []string
	switch x := part.(type) {
	case []any:
		for _, item := range x {
			found = append(found, undescribed(item)...)
		}
	case map[string]any:
		properties, _ := x["properties"].(map[string]any)
		for name, p := range properties {
			if p.(map[string]any)["description"] == nil {
				found = append(found, name)
			}
		}
		for _, inner := range x {
			found = append(found, undescribed(inner)...)
		}
	}
	return found
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	if keys := undescribed(loadSchema(t)); len(keys) > 0 {
		t.Errorf("these keys have no description: %q", keys)
	}
}

func TestValidFilesConformToTheSchema(t *testing.T) {
	schema := loadSchema(t)
	paths, err := filepath.Glob(filepath.Join("testdata", "valid", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if problem := conforms(schema, schema, plain(t, src)); problem != "" {
				t.Error(problem)
			}
		})
	}
}

func TestSchemaRefusesWhatIsMisspelt(t *testing.T) {
	schema := loadSchema(t)
	src, err := os.ReadFile(filepath.Join("testdata", "valid", "syn-retry-backoff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, slip := range [][2]string{
		{"faults:", "fautls:"},
		{"do: drop", "do: dorp"},
		{"listen: {port", "listen: {prot"},
		{"tcp: SYN, port", "tcp: SYM, port"},
		{"error: ETIMEDOUT", "eror: ETIMEDOUT"},
		{"[1s, 2s", "[1, 2s"},
		{"- connect:", "- conect:"},
		{"title: ", "titel: "},
	} {
		wrong := strings.Replace(string(src), slip[0], slip[1], 1)
		if wrong == string(src) {
			t.Fatalf("%q is not in the file", slip[0])
		}
		if conforms(schema, schema, plain(t, []byte(wrong))) == "" {
			t.Errorf("%s conforms", slip[1])
		}
	}
}

// An editor takes the names of states that the decoder takes, and no others.
func TestSchemaHasTheStatesOfTheDecoder(t *testing.T) {
	schema := loadSchema(t)
	definition := schema["$defs"].(map[string]any)["State"]
	texts := map[string]State{
		"SYN_SENT": "SYN_SENT", "SYN-SENT": "SYN_SENT", "syn sent": "SYN_SENT", "SynSent": "SYN_SENT",
		"fin-wait-1": "FIN_WAIT1", "FIN_WAIT1": "FIN_WAIT1", "ESTAB": "ESTABLISHED", "LISTEN": "LISTEN", "Time-Wait": "TIME_WAIT",
		"-SYN_SENT": "", "_LISTEN": "", " LISTEN": "", "SYN_SENT-": "", "SYN": "", "SYN_SENT|LISTEN": "", "": "",
	}
	maps.Copy(texts, stateAliases)
	for _, word := range State("").Words() {
		texts[word] = State(word)
	}
	for text, want := range texts {
		var got State
		err := got.Set(text)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("the decoder reads %q as %q, %v; want %q", text, got, err, want)
		}
		if problem := conforms(schema, definition, text); (problem == "") != (want != "") {
			t.Errorf("the schema says of %q: %q; the decoder reads %q", text, problem, want)
		}
	}
}

// plain reads YAML as the validator of an editor does: into JSON values.
func plain(t *testing.T, src []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// conforms checks a value against the part of JSON Schema that [Schema] uses and returns the first
// problem; "" if there is none.
func conforms(root map[string]any, schema, value any) string {
	if allowed, ok := schema.(bool); ok {
		if allowed {
			return ""
		}
		return "nothing is allowed here"
	}
	s := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		def, ok := root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")]
		if !ok {
			return ref + " is not defined"
		}
		return conforms(root, def, value)
	}
	if any, ok := s["anyOf"].([]any); ok {
		var problems []string
		for _, alternative := range any {
			problem := conforms(root, alternative, value)
			if problem == "" {
				problems = nil
				break
			}
			problems = append(problems, problem)
		}
		if len(problems) > 0 {
			return "none of: " + strings.Join(problems, " | ")
		}
	}
	if c, ok := s["const"]; ok && c != value {
		return fmt.Sprintf("%v is not %v", value, c)
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, value) {
		return fmt.Sprintf("%v is not one of %v", value, enum)
	}
	if want, ok := s["type"].(string); ok && !isType(want, value) {
		return fmt.Sprintf("%.80v is no %s", value, want)
	}
	switch v := value.(type) {
	case string:
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			return fmt.Sprintf("%q does not match %s", v, p)
		}
	case []any:
		for i, item := range v {
			if items, ok := s["items"]; ok {
				if problem := conforms(root, items, item); problem != "" {
					return fmt.Sprintf("[%d]: %s", i, problem)
				}
			}
		}
	case map[string]any:
		return objectConforms(root, s, v)
	}
	return ""
}

func objectConforms(root, s, v map[string]any) string {
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := v[key.(string)]; !ok {
			return fmt.Sprintf("%v is missing", key)
		}
	}
	if limit, ok := s["maxProperties"].(float64); ok && len(v) > int(limit) {
		return "too many keys"
	}
	known, _ := s["properties"].(map[string]any)
	for key, item := range v {
		sub, ok := known[key]
		if !ok {
			if sub, ok = s["additionalProperties"]; !ok {
				continue
			}
		}
		if problem := conforms(root, sub, item); problem != "" {
			return key + ": " + problem
		}
	}
	return ""
}

func isType(want string, value any) bool {
	switch v := value.(type) {
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == float64(int64(v))
	case nil:
		return want == "null"
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}
