package harness_test

import (
	"fmt"
	"strings"
	"testing"

	"halfopen/harness"
	"halfopen/scenarios/language"
)

// Programs may send signals to every process of their lab. They end no lab, unless they kill an
// actor, and change no system call of an actor.
func TestSignalsOfPrograms(t *testing.T) {
	needLab(t)
	const scenario = `
name: signals
title: A program sends signals to PID 1 and to the actors
deadline: 10s
hosts: {client: {}, server: {}}
actors:
  server: [{listen: 80}, accept, {recv: 2}]
  client:
    - connect: "server:80"
    - exec: {command: "COMMAND", timeout: 5s}
    - send: hi
  killer: {host: client, steps: [KILLER]}
expect: [EXPECT]
`
	const all = "for s in HUP INT QUIT TERM ABRT SEGV BUS FPE ILL TRAP SYS STKFLT TSTP TTIN TTOU USR2; " +
		"do kill -$s -1; kill -$s 1; done; kill -KILL 1; kill -STOP 1; echo alive"
	alive := `{process: client.exec, exit: 0, stdout: {contains: alive}}, {step: server.recv, result: 2}`
	for _, tt := range []struct {
		name                    string
		command, killer, expect string
		// err is the beginning of the error of the run.
		err string
	}{
		{name: "that a process can handle", command: all, killer: "{sleep: 1ms}", expect: alive},
		{
			name:    "and a kill step sends one of them",
			command: "sleep 0.2; echo alive", killer: "{kill: {actor: server, signal: TERM}, after: server.recv.start}",
			expect: "{process: server, signal: TERM}, {step: server.recv, hangs: true}",
		},
		{
			name:    "that no process can handle",
			command: "for p in /proc/[0-9]*; do read -r name < $p/cmdline; case $name in *halfopen-actor*) kill -KILL $${p#/proc/};; esac; done",
			killer:  "{sleep: 1ms}", expect: alive,
			err: "the process of actor ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, strings.NewReplacer("COMMAND", tt.command, "KILLER", tt.killer,
				"EXPECT", tt.expect).Replace(scenario))[0]
			if tt.err != "" {
				_, err := harness.Run(t.Context(), s, harness.Options{})
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) ||
					!strings.Contains(err.Error(), "(killed by SIGKILL), and no kill step did that") {
					t.Errorf("Run returns %v", err)
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
}

// A program that begins at once meets actors that have only just been started.
func TestAProgramSignalsActorsThatAreBeingStarted(t *testing.T) {
	needLab(t)
	scenario := `
name: crowd
title: A program sends a signal to many actors as soon as it can
deadline: 10s
hosts: {client: {}}
actors:
  first: {host: client, steps: [{exec: "kill -HUP -1; echo alive"}]}
`
	for i := range 30 {
		scenario += fmt.Sprintf("  a%d: {host: client, steps: [{sleep: 1ms}]}\n", i)
	}
	scenario += "expect: [{process: first.exec, exit: 0, stdout: {contains: alive}}]\n"
	for _, j := range runAll(t, only(t, scenario)) {
		for _, line := range j.failures() {
			t.Error(line)
		}
	}
}
