package words

import (
	"testing"
	"time"

	"halfopen/scenarios/language"
)

func TestSelectorWords(t *testing.T) {
	retransmission := true
	for _, tt := range []struct {
		name string
		in   language.Selector
		want string
	}{
		{"everything", language.Selector{}, "IP packets"},
		{"a kind from a host", language.Selector{From: "client", TCP: language.Kinds{language.SYN}}, "TCP SYN packets from client"},
		{"several kinds and a port", language.Selector{To: "server", TCP: language.Kinds{"FIN", "RST"}, Port: language.Ints{8080}}, "TCP FIN or RST packets to server, port: 8080"},
		{"any TCP", language.Selector{TCP: language.Kinds{"any"}}, "TCP packets"},
		{"an ICMP message", language.Selector{ICMP: "port-unreachable"}, "ICMP port-unreachable packets"},
		{"retransmissions", language.Selector{TCP: language.Kinds{"DATA"}, Retransmission: &retransmission}, "TCP DATA packets, retransmission: true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Selector(&tt.in); got != tt.want {
				t.Errorf("Selector() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFaultWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   language.Fault
		want string
	}{
		{
			"a drop at a host",
			language.Fault{At: "server.input", Match: language.Selector{TCP: language.Kinds{"SYN"}}, Do: language.Action{Drop: &language.Drop{}}},
			"drop: TCP SYN packets, at server.input",
		},
		{
			"a delay of the second, in a window",
			language.Fault{Nth: language.Ints{2}, From: "client.connect", Do: language.Action{Delay: &language.Delay{By: language.Duration(200 * time.Millisecond)}}},
			"delay {by: 200ms}: IP packets, at wire; nth: 2, from: client.connect",
		},
		{
			"a partition names its host",
			language.Fault{After: language.Duration(time.Second), Do: language.Action{Partition: &language.Partition{Host: "server"}}},
			"partition {host: server}; after: 1s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Fault(&tt.in); got != tt.want {
				t.Errorf("Fault() = %q, want %q", got, tt.want)
			}
		})
	}
}

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
