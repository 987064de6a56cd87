package harness_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"halfopen/harness"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// needLab skips the test where this machine cannot make labs, and says what is missing; with HALFOPEN_CI=1 that is a
// failure.
func needLab(t *testing.T) {
	t.Helper()
	err := tryLab()
	var missing *kernel.MissingError
	switch {
	case err == nil:
	case errors.As(err, &missing) && os.Getenv("HALFOPEN_CI") != "1":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
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
