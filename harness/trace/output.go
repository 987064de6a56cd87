package trace

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Output is what a program wrote: bytes, which are text in most programs. In JSON it is a string if
// it is UTF-8, as in all traces of earlier versions, and else {"base64": ...}: a string of JSON
// cannot hold other bytes.
type Output string

// encodedOutput is an Output that is not UTF-8, as JSON.
type encodedOutput struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON keeps every byte.
func (o Output) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(o)) {
		return json.Marshal(string(o))
	}
	return json.Marshal(encodedOutput{[]byte(o)})
}

// UnmarshalJSON reads both forms.
func (o *Output) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var e encodedOutput
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("reading the output of a program: %w", err)
		}
		*o = Output(e.Base64)
		return nil
	}
	return json.Unmarshal(data, (*string)(o))
}
