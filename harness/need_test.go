package harness_test

import (
	"context"
	"sync"
	"testing"

	"halfopen/harness"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// needLab skips the test where this machine cannot make labs, and with -short.
func needLab(t *testing.T) {
	t.Helper()
	testlab.Long(t)
	testlab.Supported(t, tryLab())
}

// tryLab makes the simplest lab there is, once.
var tryLab = sync.OnceValue(func() error {
	f, err := language.Parse("probe.yaml", []byte(`
name: probe
title: A lab can be made here
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: ECONNREFUSED}
`))
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
