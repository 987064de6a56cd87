package network

import (
	"strings"
	"testing"

	"halfopen/scenarios/language"
)

// Only a lab that may need the answers pays for the rule.
func TestUnrouted(t *testing.T) {
	for _, tt := range []struct {
		name, step string
		shape      language.Shape
		want       bool
	}{
		{name: "a host", step: `connect: "server:80"`},
		{name: "an address of a host's subnet", step: `connect: "198.18.2.77:80"`},
		{name: "an address that nobody has, lost on the wire", step: `connect: "198.19.0.1:80"`},
		{name: "an address of the host itself", step: `connect: "127.0.0.1:80"`},
		{name: "an address elsewhere", step: `connect: "192.0.2.1:80"`, want: true},
		{name: "a subnet of the lab without a host", step: `connect: "198.18.9.1:80"`, want: true},
		{name: "in a nested step", step: `repeat: {times: 2, steps: [{connect: "192.0.2.1:80"}]}`, want: true},
		{name: "a program", step: `exec: "true"`, want: true},
		{name: "without a wire", step: `connect: "192.0.2.1:80"`, shape: language.ShapeDirect},
	} {
		for _, f := range []language.Family{language.V4, language.V6} {
			t.Run(tt.name+", "+string(f), func(t *testing.T) {
				shape := tt.shape
				if shape == "" {
					shape = language.ShapeWire
				}
				file, err := language.Parse("unrouted.yaml", []byte("name: unrouted\ntitle: t\nip: "+string(f)+
					"\nnetwork: {shape: "+string(shape)+"}\nhosts: {client: {}, server: {}}\nactors: {client: [{"+
					tt.step+"}]}\nexpect: [{packets: {}, count: '>= 0'}]\n"))
				if err != nil {
					t.Fatal(err)
				}
				runs, err := file.Expand(nil)
				if err != nil {
					t.Fatal(err)
				}
				topology, err := Plan(runs[0])
				if err != nil {
					t.Fatal(err)
				}
				want := tt.want && f == language.V4
				if topology.Unrouted != want {
					t.Errorf("Unrouted is %t, want %t", topology.Unrouted, want)
				}
				commands := strings.Join(topology.Commands(), "\n")
				if got := strings.Contains(commands, "icmp-net-unreachable"); got != want {
					t.Errorf("the commands have the rule: %t, want %t:\n%s", got, want, commands)
				}
			})
		}
	}
}
