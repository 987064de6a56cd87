package language

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExpressionsFollowWhatIsSet(t *testing.T) {
	text := skeleton + `
params: {pause: 1s, sleeps: "${n + 1}"}
cases: [{n: 1}, {n: 2}, {case: none, n: ~}]
actors:
  client:
    - {sleep: "${2 * pause}", times: "${sleeps}"}
    - {exec: "echo ${n * 10} of ${sleeps}", id: say}
expect:
  - {step: client.sleep, count: "${n + 1}", took: "${2 * pause} ±10%"}
`
	type seen struct {
		Sleep time.Duration
		Times int
		Says  string
		Count bool
	}
	got := map[string]seen{}
	see := func(set map[string]string) {
		for _, s := range mustExpand(t, text, set) {
			steps := s.Actors[0].Steps
			got[s.ID()] = seen{time.Duration(steps[0].Op.Sleep.For), steps[0].Times, steps[1].Op.Exec.Command[2], s.Expect[0].Step.Count != nil}
		}
	}
	see(nil)
	// A ~ leaves out every key that it is the value of.
	if diff := cmp.Diff(seen{2 * time.Second, 0, "echo ~ of ~", false}, got["skeleton none"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	see(map[string]string{"n": "4", "pause": "250ms"})
	want := map[string]seen{
		"skeleton n=1":  {2 * time.Second, 2, "echo 10 of 2", true},
		"skeleton n=2":  {2 * time.Second, 3, "echo 20 of 3", true},
		"skeleton none": {500 * time.Millisecond, 5, "echo 40 of 5", true},
		"skeleton n=4":  {500 * time.Millisecond, 5, "echo 40 of 5", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParametersGrowNoFurtherThanAScenarioMay(t *testing.T) {
	chain := "params:\n  p0: 1\n"
	for i := 1; i <= 3; i++ {
		chain += "  l" + strconv.Itoa(i) + ": [" + strings.TrimSuffix(strings.Repeat("\"${l"+strconv.Itoa(i-1)+"}\", ", 60), ", ") + "]\n"
	}
	chain += "  l0: [" + strings.TrimSuffix(strings.Repeat("1, ", 60), ", ") + "]\n"
	long := "params:\n  a0: 1\n"
	for i := 1; i < 300; i++ {
		long += "  a" + strconv.Itoa(i) + ": \"${a" + strconv.Itoa(i-1) + " + 1}\"\n"
	}
	for name, c := range map[string]struct{ params, want string }{
		"lists of lists":     {chain, "want at most 100000 YAML nodes"},
		"a chain of 300":     {long + "  z: \"${a299}\"\n", ""},
		"a chain from above": {"params:\n  z: \"${a299}\"\n" + strings.TrimPrefix(long, "params:\n"), "depend on one another"},
		"a long expression":  {"params:\n  z: \"${" + strings.Repeat("1 + ", 200) + "1}\"\n", "longer than 500 characters"},
	} {
		began := time.Now()
		_, err := expandText(t, skeleton+someExpectation+c.params+"actors:\n  client: [sleep: 1s]\n", nil)
		if took := time.Since(began); took > soon {
			t.Errorf("%s: took %v", name, took)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %.300v, want %q", name, err, c.want)
		}
	}
}
