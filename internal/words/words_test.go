package words

import (
	"testing"
	"time"

	"halfopen/scenarios/language"
)

func TestStepWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   language.Step
		want string
	}{
		{"an operation without operands", language.Step{Op: language.Op{Close: &language.Close{}}}, "close"},
		{"one with some", language.Step{Op: language.Op{Connect: &language.Connect{To: "server:80", Nonblock: true}}}, "connect: {to: server:80, nonblock}"},
		{"embedded data", language.Step{Op: language.Op{Send: &language.Send{Data: language.Data{Text: "hi"}, All: true}}}, "send: {text: hi, all}"},
		{
			"modifiers",
			language.Step{Socket: "a", After: "server.accept", Times: 3, Op: language.Op{Sleep: &language.Sleep{For: language.Duration(time.Second)}}},
			"sleep: {for: 1s}, on a, after server.accept, 3 times",
		},
		{
			"repeat",
			language.Step{Op: language.Op{Repeat: &language.Repeat{Times: 2, Steps: []language.Step{
				{Op: language.Op{Accept: &language.Accept{}}}, {Op: language.Op{Close: &language.Close{}}},
			}}}},
			"repeat 2 times: accept; close",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Step(&tt.in); got != tt.want {
				t.Errorf("Step() = %q, want %q", got, tt.want)
			}
		})
	}
}
