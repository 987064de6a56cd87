package assertions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A verdict says at which of its packets a sequence, a gap or a time differs, counted from 1.
func TestVerdictsNameThePacketsThatDiffer(t *testing.T) {
	for name, test := range map[string]struct {
		expect string
		want   []int
	}{
		"a sequence with another packet": {"{packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: RST}, {tcp: SYN}]}", []int{2}},
		"a sequence that goes on":        {"{packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: SYN}]}", []int{3}},
		"a sequence that ends too soon":  {"{packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: SYN}, {tcp: SYN}, {tcp: SYN}]}", nil},
		"a sequence as wanted":           {"{packets: {tcp: any}, sequence: [{tcp: SYN}, {tcp: SYN}, {tcp: SYN}]}", nil},
		"gaps":                           {"{packets: {tcp: SYN}, gaps: [1s, 9s]}", []int{3}},
		"times":                          {"{packets: {tcp: SYN}, at: [0s, 9s, 9s]}", []int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			s := lab(t, "client: [connect: {to: \"server:8080\"}]", "- "+test.expect)
			v := Check(s, syns(7*second, 0, time.Second, 3*time.Second))[0]
			var got []int
			for _, i := range v.Differing {
				for n, at := range v.Packets {
					if at == i {
						got = append(got, n+1)
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || len(got) != len(v.Differing) {
				t.Errorf("%v of %v differ (-want +got):\n%s", v.Differing, v.Packets, diff)
			}
		})
	}
}
