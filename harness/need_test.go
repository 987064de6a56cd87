package harness_test

import (
	"context"
	"sync"
	"testing"

	"halfopen/harness"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// needLab skips the test on a machine that cannot make labs, and with -short.
func needLab(t *testing.T) {
	t.Helper()
	testlab.Long(t)
	testlab.Supported(t, tryLab())
}

// simplest is the simplest possible scenario.
const simplest = `
name: probe
title: A lab can be made here
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: ECONNREFUSED}
`

// tryLab runs the simplest scenario, once.
var tryLab = sync.OnceValue(func() error {
	f, err := language.Parse("probe.yaml", []byte(simplest))
	if err != nil {
		return err
	}
	runs, err := f.Expand(nil)
	if err != nil {
		return err
	}
	_, err = harness.Run(context.Background(), runs[0], harness.Options{})
	return err
})

// TestOneLab makes one lab, also with -short.
func TestOneLab(t *testing.T) {
	testlab.Supported(t, tryLab())
	for _, j := range runAll(t, only(t, simplest)) {
		for _, line := range j.failures() {
			t.Error(line)
		}
		if len(j.verdicts) < 2 {
			t.Errorf("%d verdicts, want those of the step and of the end", len(j.verdicts))
		}
	}
}
