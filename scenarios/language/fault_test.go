package language

import (
	"cmp"
	"strings"
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

func TestWithoutAWireFaultsStrikeAtTheReceiver(t *testing.T) {
	for _, tt := range []struct {
		name, shape, hosts, fault string
		want                      string // at, or the mistake
	}{
		{"to a host", "direct", "client: {}, server: {}", `match: {to: server}, do: drop`, "server.input"},
		{"from a host", "direct", "client: {}, server: {}", `match: {from: server}, do: drop`, "client.input"},
		{"between both", "direct", "client: {}, server: {}", `match: {from: client, to: server}, do: drop`, "server.input"},
		{"on lo", "loopback", "host: {}", `match: {tcp: SYN}, do: drop`, "host.input"},
		{"from the host on lo", "loopback", "host: {}", `match: {from: host}, do: drop`, "host.input"},
		{"as the file says", "direct", "client: {}, server: {}", `match: {to: server}, at: client.output, do: drop`, "client.output"},
		{"a partition is about the host", "direct", "client: {}, server: {}", `do: {partition: client}`, ""},
		{"with a wire", "wire", "client: {}, server: {}", `match: {to: server}, do: drop`, ""},
		{"to either of two", "direct", "client: {}, server: {}", `match: {tcp: any}, do: drop`, "no wire in the shape direct"},
		{"by tc", "direct", "client: {}, server: {}", `match: {to: server}, via: tc, do: {delay: 1ms}`, "no wire in the shape direct"},
		{"at a wire that is not there", "direct", "client: {}, server: {}", `match: {to: server}, at: wire, do: drop`, "no wire in the shape direct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host, _, _ := strings.Cut(tt.hosts, ":")
			f, err := Parse("wireless.yaml", []byte("name: wireless\ntitle: t\nnetwork: {shape: "+tt.shape+"}\nhosts: {"+tt.hosts+
				"}\nfaults: {f: {"+tt.fault+"}}\nactors: {"+host+": [{sleep: 1ms}]}\nexpect: [{packets: {}, none: true}]\n"))
			if err != nil {
				t.Fatal(err)
			}
			runs, err := f.Expand(nil)
			switch {
			case err != nil && !strings.Contains(err.Error(), cmp.Or(tt.want, "?")):
				t.Errorf("%v, want at %q", err, tt.want)
			case err == nil && runs[0].Faults[0].At != tt.want:
				t.Errorf("at %q, want %q", runs[0].Faults[0].At, tt.want)
			}
		})
	}
}
