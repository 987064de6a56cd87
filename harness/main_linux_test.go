package harness_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"halfopen/harness"
	"halfopen/scenarios/language"
)

// runFileEnv makes the test binary a program that runs one scenario file, for tests that kill it.
const runFileEnv = "HALFOPEN_TEST_RUN"

func TestMain(m *testing.M) {
	harness.Main()
	if how := os.Getenv(forgerEnv); how != "" {
		if err := forge(how == "in-namespace"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("tried all")
		os.Exit(0)
	}
	if path := os.Getenv(runFileEnv); path != "" {
		if err := runFile(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runFile(path string) error {
	f, err := language.Load(path)
	if err != nil {
		return err
	}
	runs, err := f.Expand(nil)
	if err != nil {
		return err
	}
	for _, s := range runs {
		if _, err := harness.Run(context.Background(), s, harness.Options{}); err != nil {
			return err
		}
	}
	return nil
}
