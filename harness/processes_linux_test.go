package harness_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"halfopen/harness"
	"halfopen/harness/internal/sandbox"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// A program that starts others without end meets a limit. The lab lives, and the machine has the
// limit that it had.
func TestProgramsMeetTheLimitOfProcesses(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestProgramsMeetTheLimitOfProcesses")
		})
	}
	const scenario = `
name: many
title: A program starts 500 others
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - LIMIT
    - exec: {command: "n=0; while [ $n -lt 500 ]; do sleep 1 & n=$((n+1)); done; echo all; wait", timeout: 20s}
    - sleep: 1200ms
    - limit: {processes: 1000}
    - {exec: "echo after", id: after}
expect:
  - EXPECT
  - {process: client.after, exit: 0, stdout: after}
`
	host := pidMax(t)
	for _, tt := range []struct{ name, limit, expect string }{
		{"below it", "sleep: 1ms", "{process: client.exec, exit: 0, stdout: all}"},
		{"at it", "limit: {processes: 80}", "{process: client.exec, exit: '> 0', stderr: {contains: fork}}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, strings.NewReplacer("LIMIT", tt.limit, "EXPECT", tt.expect).Replace(scenario))[0]
			if err := sandbox.CanLimitProcesses(); err != nil {
				_, err := harness.Run(t.Context(), s, harness.Options{})
				var lacking *inject.MissingError
				if !errors.As(err, &lacking) {
					t.Errorf("Run returns %v, want what this machine lacks", err)
				}
				return
			}
			for _, j := range runAll(t, []*language.Scenario{s}) {
				for _, line := range j.failures() {
					t.Error(line)
				}
			}
		})
	}
	if now := pidMax(t); now != host {
		t.Errorf("kernel.pid_max of the machine is %s, was %s", now, host)
	}
}

// Without a limit of its own, a lab has a bound where the kernel has one for each PID namespace.
func TestALabHasABoundOfProcesses(t *testing.T) {
	needLab(t)
	err := sandbox.CanLimitProcesses()
	if limited, _ := sandbox.IsLimited(); limited || err != nil {
		t.Skip("only labs of root, on Linux 6.14, surely have it: ", err)
	}
	// 32 for the actor, and one for each branch.
	want := fmt.Sprint(language.DefaultProcesses + 32 + 2 + 300)
	runs(t, `
name: bound
title: A program reads the bound of its lab
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - parallel: [[{sleep: 1ms}], [{sleep: 2ms}]]
    - exec: "cat /proc/sys/kernel/pid_max"
expect:
  - {process: client.exec, exit: 0, stdout: "`+want+`"}
`)
}

func pidMax(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
