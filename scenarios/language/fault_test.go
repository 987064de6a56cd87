package language

import (
	"testing"
	"time"
)

func TestFaultWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Fault
		want string
	}{
		{
			"a drop at a host",
			Fault{At: "server.input", Match: Selector{TCP: Kinds{"SYN"}}, Do: Action{Drop: &Drop{}}},
			"drop: SYN, at server.input",
		},
		{
			"a delay of the second, in a window",
			Fault{Nth: Ints{2}, From: "client.connect", Do: Action{Delay: &Delay{By: Duration(200 * time.Millisecond)}}},
			"delay 200ms: any packet, at wire; nth: 2, from: client.connect",
		},
		{
			"a partition names its host",
			Fault{After: Duration(time.Second), Do: Action{Partition: &Partition{Host: "server"}}},
			"partition server; after: 1s",
		},
		{
			"an action of several keys",
			Fault{First: 3, Do: Action{Corrupt: &Corrupt{Bytes: 2, Checksum: "fix"}}},
			"corrupt {bytes: 2, checksum: fix}: any packet, at wire; first: 3",
		},
		{
			"an action of a key that has no short form",
			Fault{Match: Selector{TCP: Kinds{SYN}}, Do: Action{Rewrite: &Rewrite{MSS: 536}}},
			"rewrite {mss: 536}: SYN, at wire",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("String() = %q, want %q", got, tt.want)
			}
		})
	}
}
