package actor

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/codec"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// The test binary is three programs. The outer one starts the inner one in a new network namespace,
// where all ports are free. The inner one starts itself as the actors under test.
const (
	roleVar   = "HALFOPEN_TEST_ROLE"
	roleInner = "inner"
	roleActor = "actor"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case roleActor:
		if err := Serve(os.NewFile(3, "commands"), os.NewFile(4, "reports")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case roleInner:
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, "taking lo up:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVar+"="+roleInner)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = testlab.Namespaces(syscall.CLONE_NEWNET)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "no network namespace for the tests (needs CAP_SYS_ADMIN, or user namespaces):", err)
		os.Exit(m.Run())
	}
	if err := cmd.Wait(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// needNetwork skips the test if it has no network namespace, and with -short.
func needNetwork(t testing.TB) {
	t.Helper()
	testlab.Long(t)
	if os.Getenv(roleVar) != roleInner {
		testlab.Supported(t, &inject.MissingError{Feature: "a network namespace", Remedy: "CAP_SYS_ADMIN, or user namespaces"})
	}
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}

// patience is how long a test waits for something that must come.
const patience = 10 * time.Second

// process is an actor under test and what it has reported.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	commands *os.File
	out      *os.File
	enc      *codec.Encoder

	mu      sync.Mutex
	reports []Report
	changed chan struct{} // closed and replaced at each report
	ended   chan struct{} // closed at the end of the process, after its last report
	stderr  strings.Builder
}

// start starts an actor named "a" and initialises it.
func start(t *testing.T, init Init) *process {
	t.Helper()
	p := spawn(t)
	if init.Actor == "" {
		init.Actor = "a"
	}
	init.Host = "h"
	if init.Clock == (trace.Clock{}) {
		init.Clock = trace.NewClock()
	}
	if init.Topology == nil {
		init.Topology = &network.Topology{Family: language.V4}
	}
	p.send(Command{Init: &init})
	return p
}

// run starts an actor that runs steps.
func run(t *testing.T, steps ...language.Step) *process {
	t.Helper()
	p := start(t, Init{Steps: steps})
	p.send(Command{Go: true})
	return p
}

// outcomes starts an actor that runs steps to the end. It returns their outcomes by ID, or ID[N]
// from the second execution on.
func outcomes(t *testing.T, steps ...language.Step) map[string]*trace.Step {
	t.Helper()
	p := run(t, steps...)
	p.done()
	return p.outcomes()
}

func spawn(t *testing.T) *process {
	t.Helper()
	needNetwork(t)
	theirCommands, commands, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reports, theirReports, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, commands: commands, out: reports, enc: codec.NewEncoder(commands), changed: make(chan struct{}), ended: make(chan struct{})}
	p.cmd = exec.Command("/proc/self/exe")
	p.cmd.Env = append(Environment(os.Environ()), roleVar+"="+roleActor, "GORACE=atexit_sleep_ms=0 exitcode=0")
	p.cmd.ExtraFiles = []*os.File{theirCommands, theirReports}
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirCommands.Close()
	theirReports.Close()
	go p.listen()
	t.Cleanup(func() {
		commands.Close()
		select {
		case <-p.ended:
		case <-time.After(patience):
			t.Error("the actor did not end with its command pipe")
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
		reports.Close()
		if strings.Contains(p.stderr.String(), "DATA RACE") {
			t.Error(p.stderr.String())
		}
	})
	return p
}

func (p *process) listen() {
	dec := codec.NewDecoder(p.out)
	for {
		var r Report
		if err := dec.Decode(&r); err != nil {
			break
		}
		p.mu.Lock()
		p.reports = append(p.reports, r)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // the tests that need the exit status check it
	close(p.ended)
}

func (p *process) send(c Command) {
	p.t.Helper()
	if err := p.enc.Encode(&c); err != nil {
		p.t.Fatalf("sending a command: %v", err)
	}
}

// await waits for the first report that satisfies is, and returns it.
func (p *process) await(what string, is func(*Report) bool) *Report {
	p.t.Helper()
	deadline := time.After(patience)
	for i := 0; ; {
		p.mu.Lock()
		reports, changed := p.reports, p.changed
		p.mu.Unlock()
		for ; i < len(reports); i++ {
			if is(&reports[i]) {
				return &reports[i]
			}
		}
		select {
		case <-changed:
		case <-p.ended:
			p.t.Fatalf("the actor ended without %s: %s\n%s", what, p.stderr.String(), p.said())
		case <-deadline:
			p.t.Fatalf("no %s within %v:\n%s", what, patience, p.said())
		}
	}
}

// event waits for an event of the actor and returns it. The name leaves out the actor.
func (p *process) event(name string) *trace.Event {
	p.t.Helper()
	return p.await("event "+name, func(r *Report) bool { return named(r, name) }).Event
}

func (p *process) step(name string) *trace.Step {
	p.t.Helper()
	return p.event(name).Step
}

func (p *process) gate(event string) int {
	p.t.Helper()
	return p.await("gate at "+event, func(r *Report) bool { return r.Gate != nil && r.Gate.Event == language.EventRef(event) }).Gate.ID
}

func (p *process) done() {
	p.t.Helper()
	p.await("done", func(r *Report) bool { return r.Done })
}

func named(r *Report, name string) bool {
	return r.Event != nil && EventOf(r.Event) == language.EventRef("a."+name).Canonical()
}

// names returns the events reported so far, each by its canonical name.
func (p *process) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for i := range p.reports {
		if e := p.reports[i].Event; e != nil {
			names = append(names, strings.TrimPrefix(string(EventOf(e)), "a."))
		}
	}
	return names
}

// each calls f with each report so far.
func (p *process) each(f func(*Report)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.reports {
		f(&p.reports[i])
	}
}

func (p *process) outcomes() map[string]*trace.Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	steps := make(map[string]*trace.Step)
	for i := range p.reports {
		if e := p.reports[i].Event; e != nil && e.Step != nil {
			steps[strings.TrimPrefix(string(EventOf(e)), "a.")] = e.Step
		}
	}
	return steps
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for i := range p.reports {
		line, _ := json.Marshal(&p.reports[i]) // it came as JSON
		fmt.Fprintf(&b, "%s\n", line)
	}
	return b.String()
}

// took returns how long a step's system call took.
func took(e *trace.Event) time.Duration { return e.T - e.Step.Began }

// step returns a step with an ID and an operation.
func step(id string, op language.Op) language.Step { return language.Step{ID: id, Op: op} }

// on sets the name of a step's socket.
func on(socket string, s language.Step) language.Step {
	s.Socket = socket
	return s
}

// times repeats a step n times.
func times(n int, s language.Step) language.Step {
	s.Times = n
	return s
}

// after makes a step wait for an event.
func after(event language.EventRef, s language.Step) language.Step {
	s.After = event
	return s
}

func listenOn(port int) language.Op { return language.Op{Listen: &language.Listen{Port: port}} }

func connectTo(address string) language.Op {
	return language.Op{Connect: &language.Connect{To: address}}
}

func acceptOp() language.Op { return language.Op{Accept: &language.Accept{}} }

func closeOp() language.Op { return language.Op{Close: &language.Close{}} }

func sendText(s string) language.Op {
	return language.Op{Send: &language.Send{Data: language.Data{Text: s}}}
}

func recvOp() language.Op { return language.Op{Recv: &language.Recv{}} }

func get(option string) language.Op {
	return language.Op{Getsockopt: &language.Getsockopt{Option: option}}
}

func set(nameValues ...string) language.Op {
	op := &language.Setsockopt{}
	for i := 0; i < len(nameValues); i += 2 {
		op.Options = append(op.Options, language.SockOption{Name: nameValues[i], Value: nameValues[i+1]})
	}
	return language.Op{Setsockopt: op}
}

func signal(name string) language.Op { return language.Op{Signal: &language.Signal{Name: name}} }

func waitFor(event language.EventRef) language.Op {
	return language.Op{Wait: &language.Wait{Event: event}}
}

func sleepFor(d time.Duration) language.Op {
	return language.Op{Sleep: &language.Sleep{For: language.Duration(d)}}
}
