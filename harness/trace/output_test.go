package trace

import (
	"encoding/json"
	"testing"
)

func TestOutputKeepsEveryByte(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, tt := range []struct {
		name string
		out  Output
		json string
	}{
		{"text", "hello\n", `"hello\n"`},
		{"text beyond ASCII", "grüße 🙂", `"grüße 🙂"`},
		{"the replacement character", "\ufffd", "\"\ufffd\""},
		{"a byte that is not UTF-8", "\xff", `{"base64":"/w=="}`},
		{"text before a byte that is not UTF-8", "a\xff", `{"base64":"Yf8="}`},
		{"every byte", Output(all), ""},
		{"nothing", "", `""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.out)
			if err != nil {
				t.Fatal(err)
			}
			if tt.json != "" && string(text) != tt.json {
				t.Errorf("JSON %s, want %s", text, tt.json)
			}
			var back Output
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if back != tt.out {
				t.Errorf("read back as %q, want %q", back, tt.out)
			}
		})
	}
}

func TestOutputThatIsNeitherTextNorBytesIsRefused(t *testing.T) {
	for _, text := range []string{`7`, `["a"]`, `{"base64":"?"}`} {
		var o Output
		if err := json.Unmarshal([]byte(text), &o); err == nil {
			t.Errorf("%s was read as %q", text, o)
		}
	}
}
