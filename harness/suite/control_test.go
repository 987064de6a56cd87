package suite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// lossy is a case with a fault and a kernel parameter.
func lossy() *language.Scenario {
	return &language.Scenario{
		Name: "lossy", Family: language.V4,
		Hosts:  []language.Host{{Name: "client", Sysctl: []language.Sysctl{{Name: "net.ipv4.tcp_sack"}}}},
		Faults: []language.Fault{{Name: "loss"}},
	}
}

func TestEachRunIsFollowedByItsControls(t *testing.T) {
	s, err := New([]*language.Scenario{lossy()}, Options{Control: true, Repeat: 2, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	seeds := map[uint64]int{}
	for _, once := range s.Runs {
		for r := range s.repetitions(once, span{}) {
			got = append(got, r.ID())
			seeds[r.Seed]++
		}
	}
	want := []string{
		"lossy #1", "lossy #2",
		"lossy without fault loss #1", "lossy without fault loss #2",
		"lossy without client net.ipv4.tcp_sack #1", "lossy without client net.ipv4.tcp_sack #2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[uint64]int{7: 3, 8: 3}, seeds); diff != "" {
		t.Errorf("seeds (-want +got):\n%s", diff)
	}
	if s, err = New([]*language.Scenario{lossy()}, Options{}); err != nil || len(s.Runs) != 1 {
		t.Errorf("without Control: %d runs, %v", len(s.Runs), err)
	}
}

func TestControlsTakePlaceWhereTheirCaseDoes(t *testing.T) {
	at := Place{Kernel: "6.1", Warp: true}
	for _, r := range withControls([]Run{{Scenario: lossy(), Place: at}}) {
		if r.Place != at {
			t.Errorf("%s is at %q", r.ID(), r.Place.String())
		}
	}
}

func TestControlsAreStoredBelowTheirCase(t *testing.T) {
	runs := indexed(withControls([]Run{{Scenario: lossy()}}))
	want := []string{
		"out/lossy/v4", "out/lossy/v4/without_fault_loss",
		"out/lossy/v4/without_client_net.ipv4.tcp_sack",
	}
	if diff := cmp.Diff(want, newStore(&Options{Dir: "out"}, runs).dirsOf(runs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
