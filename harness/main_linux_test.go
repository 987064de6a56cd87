package harness_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"testing"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/scenarios/language"
)

const (
	// runFileEnv makes the test binary a program that runs one scenario file, for tests that kill it.
	runFileEnv = "HALFOPEN_TEST_RUN"
	// runTextEnv makes it one that runs the scenario of this text again and again until SIGINT, and
	// stores each run below runDirEnv: in warped time if runWarpEnv is not "".
	runTextEnv = "HALFOPEN_TEST_RUN_TEXT"
	runDirEnv  = "HALFOPEN_TEST_RUN_DIR"
	runWarpEnv = "HALFOPEN_TEST_RUN_WARP"
)

func TestMain(m *testing.M) {
	suite.Main()
	if how := os.Getenv(forgerEnv); how != "" {
		if err := forge(how == "in-namespace"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("tried all")
		os.Exit(0)
	}
	var run func() error
	if path := os.Getenv(runFileEnv); path != "" {
		run = func() error { return runFile(path) }
	}
	if text := os.Getenv(runTextEnv); text != "" {
		run = func() error { return runOften(text, os.Getenv(runDirEnv), os.Getenv(runWarpEnv) != "", 200) }
	}
	if words := os.Getenv(goClientEnv); words != "" {
		run = func() error { return goClient(words) }
	}
	if run == nil {
		os.Exit(m.Run())
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runOften runs a scenario many times, some at once.
func runOften(text, dir string, warp bool, times int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	f, err := language.Parse("often.yaml", []byte(text))
	if err != nil {
		return err
	}
	cases, err := f.Expand(nil)
	if err != nil {
		return err
	}
	s, err := suite.New(cases, suite.Options{Repeat: times, Jobs: 2, Dir: dir, Warp: warp})
	if err != nil {
		return err
	}
	_, err = s.Run(ctx, nil)
	return err
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
