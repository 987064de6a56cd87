package words

import (
	"testing"
	"time"

	"halfopen/scenarios"
)

func TestSelectorWords(t *testing.T) {
	retransmission := true
	for _, tt := range []struct {
		name string
		in   scenarios.Selector
		want string
	}{
		{"everything", scenarios.Selector{}, "IP packets"},
		{"a kind from a host", scenarios.Selector{From: "client", TCP: scenarios.Kinds{scenarios.SYN}}, "TCP SYN packets from client"},
		{"several kinds and a port", scenarios.Selector{To: "server", TCP: scenarios.Kinds{"FIN", "RST"}, Port: scenarios.Ints{8080}}, "TCP FIN or RST packets to server, port: 8080"},
		{"any TCP", scenarios.Selector{TCP: scenarios.Kinds{"any"}}, "TCP packets"},
		{"an ICMP message", scenarios.Selector{ICMP: "port-unreachable"}, "ICMP port-unreachable packets"},
		{"retransmissions", scenarios.Selector{TCP: scenarios.Kinds{"DATA"}, Retransmission: &retransmission}, "TCP DATA packets, retransmission: true"},
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
		in   scenarios.Fault
		want string
	}{
		{
			"a drop at a host",
			scenarios.Fault{At: "server.input", Match: scenarios.Selector{TCP: scenarios.Kinds{"SYN"}}, Do: scenarios.Action{Drop: &scenarios.Drop{}}},
			"drop: TCP SYN packets, at server.input",
		},
		{
			"a delay of the second, in a window",
			scenarios.Fault{Nth: scenarios.Ints{2}, From: "client.connect", Do: scenarios.Action{Delay: &scenarios.Delay{By: scenarios.Duration(200 * time.Millisecond)}}},
			"delay {by: 200ms}: IP packets, at wire; nth: 2, from: client.connect",
		},
		{
			"a partition names its host",
			scenarios.Fault{After: scenarios.Duration(time.Second), Do: scenarios.Action{Partition: &scenarios.Partition{Host: "server"}}},
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
		in   scenarios.Step
		want string
	}{
		{"an operation without operands", scenarios.Step{Op: scenarios.Op{Close: &scenarios.Close{}}}, "close"},
		{"one with some", scenarios.Step{Op: scenarios.Op{Connect: &scenarios.Connect{To: "server:80", Nonblock: true}}}, "connect: {to: server:80, nonblock}"},
		{"embedded data", scenarios.Step{Op: scenarios.Op{Send: &scenarios.Send{Data: scenarios.Data{Text: "hi"}, All: true}}}, "send: {text: hi, all}"},
		{
			"modifiers",
			scenarios.Step{Socket: "a", After: "server.accept", Times: 3, Op: scenarios.Op{Sleep: &scenarios.Sleep{For: scenarios.Duration(time.Second)}}},
			"sleep: {for: 1s}, on a, after server.accept, 3 times",
		},
		{
			"repeat",
			scenarios.Step{Op: scenarios.Op{Repeat: &scenarios.Repeat{Times: 2, Steps: []scenarios.Step{
				{Op: scenarios.Op{Accept: &scenarios.Accept{}}}, {Op: scenarios.Op{Close: &scenarios.Close{}}},
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
