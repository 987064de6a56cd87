package actor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// blocked waits until the thread of a step is in a system call, and returns the thread's ID.
func (p *process) blocked(step string, call int) int {
	p.t.Helper()
	tid := p.event(step + ".start").Start.TID
	path := fmt.Sprintf("/proc/%d/task/%d/syscall", p.cmd.Process.Pid, tid)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		in, err := os.ReadFile(path)
		if err != nil {
			p.t.Fatal(err)
		}
		if number, _, _ := strings.Cut(string(in), " "); number == strconv.Itoa(call) {
			return tid
		}
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("thread %d of %s is not in system call %d but in %s", tid, step, call, in)
		}
	}
}

func (p *process) kill(tid int, sig unix.Signal) {
	p.t.Helper()
	if err := unix.Tgkill(p.cmd.Process.Pid, tid, sig); err != nil {
		p.t.Fatal(err)
	}
}

// talk returns the steps that make a connection. The client's socket is c, the server's s.
func talk(port int) []language.Step {
	return []language.Step{
		on("l", step("listen", listenOn(port))),
		on("c", step("connect", connectTo("127.0.0.1:"+strconv.Itoa(port)))),
		step("accept", language.Op{Accept: &language.Accept{As: "s"}}),
	}
}

func TestSignalsAndBlockedSteps(t *testing.T) {
	for i, tt := range []struct {
		name          string
		interruptible bool
		timeout       string // SO_RCVTIMEO
		signal        unix.Signal
		want          string // the errno if the signal ends the step; "" if it ends with data
	}{
		{"USR1 without SA_RESTART interrupts", true, "", unix.SIGUSR1, "EINTR"},
		{"USR1 with SA_RESTART does not", false, "", unix.SIGUSR1, ""},
		{"USR1 with SA_RESTART and a timeout does", false, "5s", unix.SIGUSR1, "EINTR"},
		{"the runtime's signal does not, whatever the timeout", true, "5s", unix.SIGURG, ""},
		{"the end of a child does not, whatever the timeout", true, "5s", unix.SIGCHLD, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			steps := talk(5000 + i)
			if tt.timeout != "" {
				steps = append(steps, on("s", step("option", set("SO_RCVTIMEO", tt.timeout))))
			}
			steps = append(steps, step("both", language.Op{Parallel: &language.Parallel{Branches: [][]language.Step{
				{on("s", step("recv", recvOp()))},
				{step("wait", waitFor("b.hit")), on("c", step("send", sendText("late")))},
			}}}))
			p := start(t, Init{Steps: steps, Interruptible: tt.interruptible})
			p.send(Command{Go: true})
			tid := p.blocked("recv", unix.SYS_RECVFROM)
			p.kill(tid, tt.signal)
			if tt.want == "" {
				// The signal is handled, or stays pending, and the call goes on.
				p.blocked("recv", unix.SYS_RECVFROM)
				p.send(Command{Event: "b.hit"})
			}
			got := p.step("recv")
			if tt.want == "" && string(got.Data) != "late" || got.Errno != tt.want {
				t.Errorf("recv ended with %q and %q, want %q", got.Errno, got.Data, tt.want)
			}
			p.send(Command{Event: "b.hit"})
			p.done()
		})
	}
}

// TestSleepIsNotShortened: sleep is a pause between steps, and scenarios do not study its
// interruption.
func TestSleepIsNotShortened(t *testing.T) {
	const long = 300 * time.Millisecond
	p := start(t, Init{Steps: []language.Step{step("sleep", sleepFor(long))}, Interruptible: true})
	p.send(Command{Go: true})
	p.kill(p.blocked("sleep", unix.SYS_CLOCK_NANOSLEEP), unix.SIGUSR1)
	e := p.event("sleep")
	if e.Step.Errno != "" || took(e) < long || took(e) > long+patience/2 {
		t.Errorf("sleep ended with %q after %v, want %v", e.Step.Errno, took(e), long)
	}
}

// TestGarbageCollectionDoesNotInterrupt keeps the actor's runtime as busy as possible, with its
// signals on, while a step blocks on a socket with a timeout.
func TestGarbageCollectionDoesNotInterrupt(t *testing.T) {
	steps := append(talk(5020), on("s", step("option", set("SO_RCVTIMEO", "500ms"))),
		step("both", language.Op{Parallel: &language.Parallel{Branches: [][]language.Step{
			{on("s", step("recv", recvOp()))},
			{on("c", times(300, step("big", language.Op{Recv: &language.Recv{Flags: []string{"dontwait"}, Max: 1 << 20}})))},
			{times(20, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"true", "-"}}}}))},
		}}}))
	p := start(t, Init{Steps: steps, Interruptible: true})
	p.send(Command{Go: true})
	e := p.event("recv")
	if e.Step.Errno != "EAGAIN" || took(e) < 500*time.Millisecond {
		t.Errorf("recv ended with %q after %v, want EAGAIN after 500ms", e.Step.Errno, took(e))
	}
	p.done()
}

func TestPeerGoneDoesNotKill(t *testing.T) {
	o := conversation(t, 5021, on("s", step("close", closeOp())),
		on("c", step("recv", recvOp())), // the FIN has arrived
		on("c", step("send", sendText("x"))),
		on("c", step("poll", language.Op{Poll: &language.Poll{For: []string{"out"}}})),
		on("c", step("hup", language.Op{Poll: &language.Poll{}})),
		on("c", step("send2", sendText("x"))))
	if got := o["send"]; got.Errno != "" {
		t.Errorf("the first send ended with %q, want success", got.Errno)
	}
	if got := o["send2"]; got.Errno != "EPIPE" {
		t.Errorf("the second send ended with %q, want EPIPE: %v", got.Errno, o)
	}
}
