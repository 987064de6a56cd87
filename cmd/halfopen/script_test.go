package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"halfopen/harness"
	"halfopen/internal/testlab"
	"halfopen/internal/testlab/conform"
)

// The scripts run the real command: the test binary, under the name halfopen.
func TestMain(m *testing.M) {
	harness.Main()
	testscript.Main(m, map[string]func(){"halfopen": main})
}

// TestScripts runs the scripts that need no lab.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Cmds:                commands,
		RequireExplicitExec: true,
		// STORED has runs that earlier versions stored.
		Setup: func(env *testscript.Env) error {
			stored, err := filepath.Abs("testdata/stored")
			env.Setenv("STORED", stored)
			return err
		},
	})
}

// TestLabScripts runs the scripts that need a lab.
func TestLabScripts(t *testing.T) {
	needLab(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/lab",
		Cmds:                commands,
		RequireExplicitExec: true,
		// Debian has iptables in a directory outside the PATH of an ordinary user. BIN has the
		// command halfopen and nothing else.
		Setup: func(env *testscript.Env) error {
			command, err := exec.LookPath("halfopen")
			if err != nil {
				return err
			}
			env.Setenv("BIN", filepath.Dir(command))
			examples, err := filepath.Abs("../../docs/examples/shards")
			if err != nil {
				return err
			}
			env.Setenv("EXAMPLES", examples)
			env.Setenv("PATH", env.Getenv("PATH")+":/usr/sbin:/sbin")
			return nil
		},
	})
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":        exits,
	"job":          job,
	"conforms":     conforms,
	"until-exists": untilExists,
}

// exits STATUS PROGRAM [ARG]... runs a program that must exit with STATUS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// conforms SCHEMA FILE compares each line of a file with a JSON Schema.
func conforms(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] conforms SCHEMA FILE")
	}
	err := conform.Lines([]byte(ts.ReadFile(args[0])), ts.ReadFile(args[1]))
	if neg && err == nil {
		ts.Fatalf("%s conforms to %s", args[1], args[0])
	} else if !neg {
		ts.Check(err)
	}
}

// untilExists FILE waits for a file that a running lab makes.
func untilExists(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: until-exists FILE")
	}
	const patience = 30 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Since(began) > patience {
			ts.Fatalf("%s was not made within %s", args[0], patience)
		}
	}
}

// needLab skips the test on a machine that cannot make labs, and with -short.
func needLab(t *testing.T) {
	t.Helper()
	testlab.Long(t)
	_, err := (&probe{name: "namespaces"}).run(t.Context())
	testlab.Supported(t, err)
}
