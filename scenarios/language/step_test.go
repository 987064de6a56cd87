package language

import (
	"testing"
	"time"
)

func TestStepWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Step
		want string
	}{
		{"an operation without operands", Step{Op: Op{Close: &Close{}}}, "close"},
		{"one with some", Step{Op: Op{Connect: &Connect{To: "server:80", Nonblock: true}}}, "connect: {to: server:80, nonblock}"},
		{"embedded data", Step{Op: Op{Send: &Send{Data: Data{Text: "hi"}, All: true}}}, "send: {text: hi, all}"},
		{
			"modifiers",
			Step{Socket: "a", After: "server.accept", Times: 3, Op: Op{Sleep: &Sleep{For: Duration(time.Second)}}},
			"sleep: {for: 1s}, on a, after server.accept, 3 times",
		},
		{
			"repeat",
			Step{Op: Op{Repeat: &Repeat{Times: 2, Steps: []Step{
				{Op: Op{Accept: &Accept{}}}, {Op: Op{Close: &Close{}}},
			}}}},
			"repeat 2 times: accept; close",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("String() = %q, want %q", got, tt.want)
			}
		})
	}
}
