package harness_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// busyEnv is the number of busy loops beside the labs of [TestMutationsFailOnABusyMachine]; make
// test-busy sets it.
const busyEnv = "HALFOPEN_TEST_BUSY"

// A mutation is a real defect: on a machine that is late, it must fail all the same, and not be
// inconclusive, except for a time that differs by less than the machine was late. Such a mutation
// must fail once it runs alone.
func TestMutationsFailOnABusyMachine(t *testing.T) {
	loops, err := strconv.Atoi(os.Getenv(busyEnv))
	if err != nil {
		t.Skipf("takes minutes: set %s to the number of busy loops, or run make test-busy", busyEnv)
	}
	needLab(t)
	mutations := readMutations(t)
	list := make([]*language.Scenario, len(mutations))
	for i := range mutations {
		if list[i], err = mutations[i].apply(); err != nil {
			t.Fatalf("%s: %s: %v", mutations[i].Scenario, mutations[i].What, err)
		}
	}
	stop := startLoops(t, loops)
	busy := runWith(t, list, suite.Options{NoRepeat: true})
	stop()
	failed, doubtful := 0, 0
	for i, j := range busy {
		m := mutations[i]
		t.Run(m.Scenario+"/"+m.What, func(t *testing.T) {
			testlab.Supported(t, harness.CheckNeeds(j.scenario))
			switch {
			case j.err != nil:
				t.Fatal(j.err)
			case says(j.failures(), m.Fails):
				failed++
			case says(j.inconclusive(), m.Fails):
				doubtful++
				t.Log(strings.Join(j.inconclusive(), "\n"))
				alone := runWith(t, list[i:i+1], suite.Options{})[0]
				if !says(alone.failures(), m.Fails) {
					t.Errorf("alone, no failed expectation says %q; failed:\n%s", m.Fails, strings.Join(alone.failures(), "\n"))
				}
			case !j.skips(m.Fails):
				t.Errorf("no failed expectation says %q; failed:\n%s", m.Fails, strings.Join(j.failures(), "\n"))
			}
		})
	}
	t.Logf("%d mutations failed, %d were inconclusive, of %d", failed, doubtful, len(mutations))
	if doubtful*20 > len(mutations) {
		t.Errorf("%d of %d mutations are inconclusive beside %d busy loops: so many are not for short times", doubtful, len(mutations), loops)
	}
}

// startLoops starts processes that never rest, and returns what ends them.
func startLoops(t *testing.T, n int) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	stop = func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed
		}
		all = nil
	}
	t.Cleanup(stop)
	for range n {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	return stop
}
