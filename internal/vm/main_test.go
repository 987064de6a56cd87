package vm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// runEnv makes the test binary run a scenario in a virtual machine, for the tests that kill it.
const runEnv = "HALFOPEN_TEST_VM"

func TestMain(m *testing.M) {
	harness.Main()
	Main()
	if how := os.Getenv(runEnv); how != "" {
		t := trial(mustParse(silent))
		if err := t.run(context.Background(), Options{Warp: how == "warped", Stage: func(s string) { fmt.Fprintln(os.Stderr, s) }}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(withCache(m.Run))
}

// withCache runs the tests with a separate directory for their snapshots, and with the kernels of
// the user's cache.
func withCache(run func() int) int {
	dir, err := os.MkdirTemp("", "halfopen-vm-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = linkKernels(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("XDG_CACHE_HOME", dir)
	return run()
}

// linkKernels makes dir a cache with only the kernels of the user's cache.
func linkKernels(dir string) error {
	kernels, err := CacheDir()
	if err != nil {
		return nil // without a cache there are no kernels in it
	}
	if err := os.Mkdir(filepath.Join(dir, "halfopen"), 0o755); err != nil {
		return err
	}
	return os.Symlink(kernels, filepath.Join(dir, "halfopen", "kernels"))
}

// needMachine skips the test with -short, and where no virtual machine can run.
func needMachine(t *testing.T) Kernel {
	t.Helper()
	testlab.Long(t)
	_, err := FindEmulator()
	var k Kernel
	if err == nil {
		k, err = FindKernel("")
	}
	testlab.Supported(t, err)
	return k
}

// silent takes 131 s of the guest's time.
const silent = `
name: silent
title: nobody answers
hosts:
  client: {sysctl: {net.ipv4.tcp_syn_retries: 6, "net.ipv4.tcp_syn_linear_timeouts?": 0}}
  server: {}
faults:
  silent: {match: {to: server, tcp: SYN}, do: drop}
actors:
  server:
    - listen: 8080
  client:
    - connect: "server:8080"
expect:
  - {step: client.connect, error: ETIMEDOUT, took: 127s}
  - packets: {from: client, tcp: SYN}
    count: 7
    gaps: [1s, 2s, 4s, 8s, 16s, 32s]
`

func mustParse(src string) *language.Scenario {
	f, err := language.Parse("test.yaml", []byte(src))
	if err != nil {
		panic(err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		panic(err)
	}
	return runs[0]
}

// attempted is one run and its results.
type attempted struct {
	scenario *language.Scenario
	trace    *trace.Trace
	err      error
	began    bool
	events   int
}

func trial(s *language.Scenario) *attempted { return &attempted{scenario: s} }

// run does the run, on the newest kernel if the options have none.
func (a *attempted) run(ctx context.Context, o Options) error {
	if o.Kernel.Version == "" {
		var err error
		if o.Kernel, err = FindKernel(""); err != nil {
			return err
		}
	}
	return Do(ctx, []Task{{
		Scenario: a.scenario,
		Seed:     7,
		Began:    func() { a.began = true },
		Emit:     func(trace.Event) { a.events++ },
		Ended:    func(t *trace.Trace, err error) { a.trace, a.err = t, err },
	}}, o)
}
