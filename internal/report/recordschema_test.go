package report

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/testlab/conform"
)

func schemaOf(t *testing.T) []byte {
	t.Helper()
	schema, err := RecordSchema()
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestRecordsConformToTheirSchema(t *testing.T) {
	schema := schemaOf(t)
	text, _ := someRecords(t)
	var seen []Kind
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		for _, k := range kinds {
			if strings.Contains(line, `"record":"`+string(k.kind)+`"`) {
				seen = append(seen, k.kind)
			}
		}
	}
	if len(seen) != 9 { // two runs began
		t.Errorf("the records are %v", seen)
	}
	if err := conform.Lines(schema, text); err != nil {
		t.Error(err)
	}
	for _, r := range []*result.Result{passing(t), failing(t), doubtful(t), {Run: passing(t).Run, Status: result.Skip}} {
		r.Attempts = []result.Attempt{result.NewAttempt(doubtful(t)), result.NewAttempt(passing(t))}
		var line bytes.Buffer
		if err := WriteJSON(&line, r); err != nil {
			t.Fatal(err)
		}
		if err := conform.Lines(schema, line.String()); err != nil {
			t.Errorf("%s, %s: %v", r.ID(), r.Status, err)
		}
	}
}

func TestTheSchemaRefusesOtherRecords(t *testing.T) {
	schema := schemaOf(t)
	text, _ := someRecords(t)
	for _, tt := range []struct{ name, was, is string }{
		{"of another version", `"schema":1,"record":"run"`, `"schema":2,"record":"run"`},
		{"of an unknown kind", `"record":"begun"`, `"record":"began"`},
		{"without a key", `"verdicts":`, `"judgements":`},
		{"with a key that is not in it", `"status":"fail"`, `"status":"fail","mood":"bad"`},
		{"with an unknown status", `"status":"fail"`, `"status":"maybe"`},
		{"with a seed that is a number", `"seed":"18446744073709551615"`, `"seed":7`},
		{"with a seed that is no number", `"seed":"18446744073709551615"`, `"seed":"-1"`},
		{"with a negative index", `"index":5`, `"index":-5`},
		{"without verdicts", `"steps":[`, `"steps":null,"x":[`},
		{"with a time that is none", `"began":"2026-`, `"began":"last year-`},
		{"with a count that is none", `"fail":1`, `"fail":"one"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(text, tt.was, tt.is, 1)
			if changed == text {
				t.Fatalf("no %s in\n%s", tt.was, text)
			}
			if err := conform.Lines(schema, changed); err == nil {
				t.Error("it conforms to the schema")
			}
		})
	}
}

// A number of JavaScript keeps integers up to 2^53.
func TestNumbersOfRecordsAreKeptByJavaScript(t *testing.T) {
	small := map[string]string{
		"FaultHits.Hits":    "packets of a run",
		"StepRecord.Result": "a return value of a system call",
		"StepRecord.Bytes":  "bytes sent in a run",
		"Log.Bytes":         "bytes of a file on this machine",
		"Attempt.Late":      "nanoseconds of a lateness; 2^53 are 104 days",
		"Verdict.Late":      "nanoseconds of a lateness; 2^53 are 104 days",
	}
	used := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type, at, tag string)
	walk = func(of reflect.Type, at, tag string) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(of.Elem(), at, tag)
		case reflect.Struct:
			if seen[of] || of == reflect.TypeFor[time.Time]() {
				return
			}
			seen[of] = true
			for i := range of.NumField() {
				f := of.Field(i)
				walk(f.Type, of.Name()+"."+f.Name, f.Tag.Get("json"))
			}
		case reflect.Int64, reflect.Uint64, reflect.Uint, reflect.Uintptr:
			if used[at] = true; small[at] == "" && !strings.HasSuffix(tag, ",string") {
				t.Errorf("%s is a number of 64 bits: write it as a string, or say why it is small", at)
			}
		}
	}
	for _, k := range kinds {
		walk(reflect.TypeOf(k.new()), string(k.kind), "")
	}
	for at := range small {
		if !used[at] {
			t.Errorf("no record has %s", at)
		}
	}
}

// The page about records has every kind and every key of a record; what is in their values, the schema
// has.
func TestDocsHaveEveryKeyOfARecord(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n## Records\n")
	text, _, _ = strings.Cut(text, "\n## ")
	has := func(word string) bool { return strings.Contains(text, "`"+word+"`") }
	for _, k := range kinds {
		if !has(string(k.kind)) {
			t.Errorf("docs/ci.md has no record `%s`", k.kind)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(k.new()).Elem()) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key != "" && key != "schema" && !has(key) {
				t.Errorf("docs/ci.md has no key `%s`, of the record `%s`", key, k.kind)
			}
		}
	}
}
