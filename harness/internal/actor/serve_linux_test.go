package actor

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

func TestPreludeIsDoneBeforeGo(t *testing.T) {
	p := start(t, Init{Steps: []language.Step{step("listen", listenOn(1001)), step("close", closeOp())}})
	p.send(Command{Prepare: true})
	p.await("prepared", func(r *Report) bool { return r.Prepared })
	if diff := cmp.Diff([]string{"listen.start", "listen"}, p.names()); diff != "" {
		t.Errorf("events before go (-want +got):\n%s", diff)
	}
	p.send(Command{Go: true})
	p.done()
	if diff := cmp.Diff([]string{"listen.start", "listen", "close.start", "close"}, p.names()); diff != "" {
		t.Errorf("all events (-want +got):\n%s", diff)
	}
}

func TestStepsWaitForEvents(t *testing.T) {
	p := start(t, Init{Steps: []language.Step{
		after("b.connect", step("first", sleepFor(0))),
		step("wait", waitFor("fault.cut.hit")),
		after("a.first", step("own", sleepFor(0))),
		step("late", waitFor("b.signal.ready")),
	}})
	p.send(Command{Event: "b.connect"}) // before anybody waits for it
	p.send(Command{Event: language.EventRef("fault.cut.hit[1]").Canonical()})
	p.send(Command{Go: true})
	p.event("late.start")
	want := []string{"first.start", "first", "wait.start", "wait", "own.start", "own", "late.start"}
	if diff := cmp.Diff(want, p.names()); diff != "" {
		t.Errorf("events before b.signal.ready (-want +got):\n%s", diff)
	}
	p.send(Command{Event: "b.signal.ready"})
	p.done()
}

func TestWaitGivesUp(t *testing.T) {
	const timeout = 50 * time.Millisecond
	p := run(t, step("wait", language.Op{Wait: &language.Wait{Event: "b.never", Timeout: language.Duration(timeout)}}))
	e := p.event("wait")
	if e.Step.Errno != "ETIMEDOUT" || e.Step.Result != -1 || took(e) < timeout {
		t.Errorf("wait ended with %q, %d after %v, want ETIMEDOUT, -1 after %v", e.Step.Errno, e.Step.Result, took(e), timeout)
	}
}

// What an actor learns late, it says: by how much, in the step that waited for it.
func TestActorsSayHowLateTheyLearned(t *testing.T) {
	const by = 70 * time.Millisecond
	clock := trace.NewClock()
	clock.Base -= int64(time.Minute) // so that there is a time before the test
	p := start(t, Init{Clock: clock, Steps: []language.Step{
		step("first", sleepFor(0)),
		step("second", sleepFor(0)),
		step("wait", waitFor("b.send")),
		after("b.close", step("third", sleepFor(0))),
	}})
	p.send(Command{Go: true, Sent: clock.Now() - by})
	p.event("second")
	begun := p.event("wait.start")
	p.send(Command{Event: language.EventRef("b.send").Canonical(), Sent: begun.T + 1})
	p.event("wait")
	p.send(Command{Event: language.EventRef("b.close").Canonical(), Sent: clock.Now() - by})
	p.done()
	if late := p.event("first.start").Start.Late; late < by {
		t.Errorf("a start that came late by %v is late by %v", by, late)
	}
	if late := p.event("second.start").Start.Late; late != 0 {
		t.Errorf("the step after it is late by %v, want 0", late)
	}
	ended := p.event("wait")
	if late, most := ended.Step.Late, ended.T-begun.T; late > most {
		t.Errorf("a wait of %v was late by %v", most, late)
	}
	if late, most := p.event("third.start").Start.Late, p.event("third.start").T-ended.T; late > most {
		t.Errorf("a step that waited for %v at most is late by %v", most, late)
	}
}

func TestTheRunQueueOfAThreadIsRead(t *testing.T) {
	if _, err := os.Stat("/proc/thread-self/schedstat"); err != nil {
		testlab.Supported(t, &inject.MissingError{Feature: "schedstat", Err: err})
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var process runQueue
	process.waited(0)
	before, ok := runDelay("/proc/thread-self/schedstat")
	if !ok {
		t.Fatal("the kernel does not say how long the thread waited")
	}
	// The thread shares one processor with another that never rests, so it waits for it.
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	busy := func(during time.Duration) {
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(during); time.Now().Before(end); {
		}
	}
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()
	other := make(chan struct{})
	go func() {
		defer close(other)
		runtime.LockOSThread() // for good: it dies with its affinity
		busy(200 * time.Millisecond)
	}()
	busy(200 * time.Millisecond)
	<-other
	after, ok := runDelay("/proc/thread-self/schedstat")
	waits := after.since(before)
	if !ok || waits.waited < 20*time.Millisecond {
		t.Errorf("two busy threads on one processor for 200ms: one waited %v, want at least 20ms", waits.waited)
	}
	if sum, worst := process.waited(time.Minute); sum < waits.waited || worst > sum || worst < waits.worst()/2 {
		t.Errorf("the thread waited %v together, %v at once; the kernel says %v, %d times", sum, worst, waits.waited, waits.runs)
	}
	process.waited(2 * time.Minute)
	if sum, worst := process.waited(2*time.Minute + trace.Shortest - 1); sum != 0 || worst != 0 {
		t.Errorf("within less than is recorded, it waited %v, %v", sum, worst)
	}
}

func TestGateHoldsTheStep(t *testing.T) {
	p := start(t, Init{
		Gates: []language.EventRef{"a.sleep.start", "a.sleep[2]", "a.signal.here"},
		Steps: []language.Step{times(2, step("sleep", sleepFor(0))), step("signal", signal("here")), after("a.signal.here", step("last", sleepFor(0)))},
	})
	p.send(Command{Go: true})
	for _, stand := range []struct {
		gate string
		want []string
	}{
		{"a.sleep.start", nil},
		{"a.sleep[2]", []string{"sleep.start", "sleep", "sleep[2].start", "sleep[2]"}},
		{"a.signal.here", []string{"sleep.start", "sleep", "sleep[2].start", "sleep[2]", "signal.start", "signal.here"}},
	} {
		id := p.gate(stand.gate)
		if diff := cmp.Diff(stand.want, p.names()); diff != "" {
			t.Errorf("events at the gate %s (-want +got):\n%s", stand.gate, diff)
		}
		p.send(Command{Gate: id})
	}
	p.done()
	if got := p.names()[6:]; !cmp.Equal(got, []string{"signal", "last.start", "last"}) {
		t.Errorf("events after the gates: %v", got)
	}
}

func TestExecutionsAreCounted(t *testing.T) {
	p := run(t,
		times(2, step("sleep", sleepFor(0))),
		step("repeat", language.Op{Repeat: &language.Repeat{Times: 2, Steps: []language.Step{
			times(2, step("nap", sleepFor(0))), step("signal", signal("s")),
		}}}),
	)
	p.done()
	want := []string{
		"sleep.start", "sleep", "sleep[2].start", "sleep[2]",
		"repeat.start",
		"nap.start", "nap", "nap[2].start", "nap[2]", "signal.start", "signal.s", "signal",
		"nap[3].start", "nap[3]", "nap[4].start", "nap[4]", "signal[2].start", "signal.s", "signal[2]",
		"repeat",
	}
	if diff := cmp.Diff(want, p.names()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := p.outcomes()["repeat"].Result; got != 2 {
		t.Errorf("the result of repeat is %d, want 2", got)
	}
}

func TestParallelBranchesRunAtOnce(t *testing.T) {
	p := run(t, step("parallel", language.Op{Parallel: &language.Parallel{Branches: [][]language.Step{
		{step("wait", waitFor("a.signal.go")), step("one", signal("back"))},
		{step("two", signal("go")), step("wait2", waitFor("a.signal.back"))},
	}}}), step("last", sleepFor(0)))
	p.done()
	threads := make(map[int]bool)
	for _, id := range []string{"parallel.start", "wait.start", "two.start"} {
		threads[p.event(id).Start.TID] = true
	}
	if len(threads) != 3 {
		t.Errorf("the step and its two branches ran on threads %v, want three", threads)
	}
	names := p.names()
	if got := names[len(names)-3:]; !cmp.Equal(got, []string{"parallel", "last.start", "last"}) {
		t.Errorf("the last events are %v, want the end of parallel before the step after it", got)
	}
	if got := p.outcomes()["parallel"].Result; got != 2 {
		t.Errorf("the result of parallel is %d, want 2", got)
	}
}

func TestActorEndsAtOnce(t *testing.T) {
	hang := []language.Step{step("listen", listenOn(1002)), step("accept", acceptOp())}
	for _, tt := range []struct {
		name string
		end  func(*process)
	}{
		{"at stop", func(p *process) { p.send(Command{Stop: true}) }},
		{"at the end of the pipe", func(p *process) { p.commands.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := run(t, hang...)
			p.event("accept.start")
			tt.end(p)
			select {
			case <-p.ended:
			case <-time.After(patience):
				t.Fatal("the actor still runs")
			}
			if code := p.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit status %d, want 0: %s", code, p.stderr.String())
			}
		})
	}
}

func TestActorStaysWhenDone(t *testing.T) {
	server := run(t, step("listen", listenOn(1003)))
	server.done()
	client := outcomes(t, step("connect", connectTo("127.0.0.1:1003")))
	if got := client["connect"].Errno; got != "" {
		t.Errorf("connecting to the listener of an actor that is done: %s", got)
	}
}

func TestRequests(t *testing.T) {
	p := run(t,
		step("kill", language.Op{Kill: &language.Kill{Actor: "b", Signal: "TERM"}}),
		step("sysctl", language.Op{Sysctl: &language.SysctlOp{Set: []language.Sysctl{{Name: "x", Value: "1"}}}}),
		step("link", language.Op{Link: &language.LinkOp{Host: "wire", State: "down"}}),
		step("blocked", language.Op{Blocked: &language.Blocked{Actor: "b"}}),
	)
	for _, tt := range []struct {
		step  string
		want  Request
		reply Reply
	}{
		{"kill", Request{ID: 1, Op: language.Op{Kill: &language.Kill{Actor: "b", Signal: "TERM"}}}, Reply{}},
		{
			"sysctl",
			Request{ID: 2, Op: language.Op{Sysctl: &language.SysctlOp{Host: "h", Set: []language.Sysctl{{Name: "x", Value: "1"}}}}},
			Reply{Errno: "EINVAL"},
		},
		{"link", Request{ID: 3, Op: language.Op{Link: &language.LinkOp{Host: "wire", State: "down"}}}, Reply{Problem: "no such link"}},
		{"blocked", Request{ID: 4, Op: language.Op{Blocked: &language.Blocked{Actor: "b"}}}, Reply{Text: "connect"}},
	} {
		r := p.await("request", func(r *Report) bool { return r.Request != nil && r.Request.ID == tt.want.ID })
		if diff := cmp.Diff(&tt.want, r.Request); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.step, diff)
		}
		tt.reply.ID = r.Request.ID
		p.send(Command{Reply: &tt.reply})
		got := p.step(tt.step)
		if got.Errno != tt.reply.Errno || got.Problem != tt.reply.Problem {
			t.Errorf("%s ended with %q, %q, want %q, %q", tt.step, got.Errno, got.Problem, tt.reply.Errno, tt.reply.Problem)
		}
		if string(got.Data) != tt.reply.Text {
			t.Errorf("%s has the text %q, want %q", tt.step, got.Data, tt.reply.Text)
		}
	}
}

func TestCommandsThatMakeNoSense(t *testing.T) {
	none := &Init{Topology: &network.Topology{}}
	for _, tt := range []struct {
		name     string
		commands []Command
		want     string
	}{
		{"go before init", []Command{{Go: true}}, "the first command was not init"},
		{"no topology", []Command{{Init: &Init{}}}, "no topology"},
		{"two inits", []Command{{Init: none}, {Init: none}}, "a second init"},
		{"two gos", []Command{{Init: none}, {Go: true}, {Go: true}}, "a second go"},
		{"a gate nobody waits at", []Command{{Init: none}, {Gate: 7}}, "gate 7"},
		{"a reply nobody waits for", []Command{{Init: none}, {Reply: &Reply{ID: 3}}}, "request 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := spawn(t)
			for _, c := range tt.commands {
				p.send(c)
			}
			<-p.ended
			if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.stderr.String(), tt.want) {
				t.Errorf("exit status %d, %q, want 1 and %q", code, p.stderr.String(), tt.want)
			}
		})
	}
}

func TestEachStepNeedsAnOperation(t *testing.T) {
	if got := outcomes(t, step("nothing", language.Op{}))["nothing"]; got.Problem == "" {
		t.Error("a step without an operation has no problem")
	}
}

// A step begins right before its system call, however long it prepares that.
func TestStepsBeginAtTheirSystemCall(t *testing.T) {
	big := language.Data{Hex: strings.Repeat("a5", 64<<20)}
	began := time.Now()
	if _, _, err := payload(&big); err != nil {
		t.Fatal(err)
	}
	long := time.Since(began)
	dontwait := language.Op{Send: &language.Send{Data: big, Flags: []string{"dontwait"}}}
	p := run(t, step("listen", listenOn(1004)), step("connect", connectTo("127.0.0.1:1004")), step("send", dontwait))
	p.done()
	for _, name := range []string{"listen", "connect", "send"} {
		start, end := p.event(name+".start").T, p.event(name)
		if begins := end.Step.Began; begins < start || begins-start > long/2 || end.T < begins {
			t.Errorf("%s starts at %v, begins at %v and ends at %v; preparing 64 MB takes %v",
				name, start, begins, end.T, long)
		}
		if e := end.Step.Errno; e != "" {
			t.Errorf("%s failed with %s", name, e)
		}
	}
	if t := took(p.event("send")); t > long/2 {
		p.t.Errorf("send took %v; making its payload takes %v", t, long)
	}
}

// A step that fails before its system call begins and ends at once.
func TestStepsThatFailInTheirPreparationBegin(t *testing.T) {
	p := run(t,
		step("limit", language.Op{Limit: &language.Limit{Nofile: 3}}),
		step("connect", connectTo("127.0.0.1:1005")),
		step("recv", recvOp()),
	)
	p.done()
	want := []string{"limit.start", "limit", "connect.start", "connect", "recv.start", "recv"}
	if diff := cmp.Diff(want, p.names()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := p.step("connect").Errno; got != "EMFILE" {
		t.Errorf("connect without a file left for its socket: %q, want EMFILE", got)
	}
	for _, name := range []string{"connect", "recv"} {
		start, end := p.event(name+".start"), p.event(name)
		if end.Step.Began < start.T || end.T < end.Step.Began {
			t.Errorf("%s starts at %v, begins at %v and ends at %v", name, start.T, end.Step.Began, end.T)
		}
	}
}
