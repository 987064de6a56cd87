package actor

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// How often it is looked whether a program is ready: at sockets and files, and by a command.
const (
	lookEvery = 5 * time.Millisecond
	tryEvery  = 50 * time.Millisecond
)

// awaitReady waits until a program is ready, has ended, or had time enough. before are the sockets
// that listened when it was started.
func (t *thread) awaitReady(r *running, op *language.Start, before []listener, o *outcome) {
	deadline := time.Now().Add(op.WithinOrDefault())
	timeout := time.NewTimer(op.WithinOrDefault())
	defer timeout.Stop()
	every := lookEvery
	if len(op.Ready.Exec) > 0 {
		every = tryEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	over := r.over
	for {
		missing := t.missing(r, op, before, deadline)
		if missing == "" {
			t.isReady(r, o, t.Clock.Now())
			return
		}
		select {
		case <-r.printed.matched:
			t.isReady(r, o, r.printed.matchedAt)
			return
		case <-over:
			select {
			case <-r.printed.matched:
				continue // it has printed the line, and then ended
			default:
			}
			exit, killed := exitOf(r.status)
			if exit == 0 && killed == "" && op.Ready.Prints == "" {
				over = nil // it has left a process that may get ready
				continue
			}
			o.ended = t.Clock.Now()
			o.Exit, o.Killed, o.Value = exit, killed, "it ended before it was ready: "+missing
			o.fail(unix.ESRCH)
			return
		case <-timeout.C:
			o.ended = t.Clock.Now()
			o.Value = missing
			switch {
			case over == nil:
				o.Value += "; its process had ended with exit status 0"
			case op.Ready.Prints != "" && isClosed(r.out.stdout.done) && isClosed(r.out.stderr.done):
				o.Value += "; it has closed its outputs"
			}
			o.fail(unix.ETIMEDOUT)
			return
		case <-tick.C:
		}
	}
}

// isReady reports that a program is ready, and ends its step.
func (t *thread) isReady(r *running, o *outcome, at time.Duration) {
	o.ended = max(at, o.ended)
	o.Value = "ready"
	p := r.Program
	p.What = trace.ProgramReady
	t.reports.report(&Report{Event: &trace.Event{T: o.ended, Program: &p}})
}

// missing says what a program lacks to be ready; "" if nothing. A line that it must print is missing
// here always: it comes by itself.
func (t *thread) missing(
	r *running, op *language.Start, before []listener, deadline time.Time,
) string {
	w := op.Ready
	switch {
	case len(w.Listens) > 0:
		return notListening(w.Listens, slices.DeleteFunc(listeners(), func(l listener) bool {
			return slices.Contains(before, l)
		}), t.Family == language.V6)
	case w.File != "":
		path := w.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(t.directory(op.Dir), path)
		}
		if err := t.lookInRoot(path); err != nil {
			return "there is no file " + path
		}
	case len(w.Exec) > 0:
		return t.fails(r, op, deadline)
	default:
		return fmt.Sprintf("it has printed no line that matches %q", w.Prints)
	}
	return ""
}

// lookInRoot looks for a file in the root directory of programs.
func (t *thread) lookInRoot(path string) error {
	return sandbox.OnImmortalThread(func() error {
		if t.root != nil {
			if err := sandbox.EnterRoot(t.root, t.Host); err != nil {
				return err
			}
		}
		_, err := os.Stat(path)
		return err
	})
}

// fails runs the command that says whether a program is ready, and returns why it says no; "" if it
// says yes.
func (t *thread) fails(r *running, op *language.Start, deadline time.Time) string {
	args := op.Ready.Exec
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = t.environ(r.Step, &op.Launch)
	cmd.Dir = t.directory(op.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = inputFor
	said := &firstLine{}
	cmd.Stdout, cmd.Stderr = said, said
	as := t.Users[op.OtherUser()]
	_ = as.runs(cmd) // it has no pipes to give away
	err := sandbox.OnImmortalThread(func() error { return t.startProgram(cmd, as) })
	if err == nil {
		err = cmd.Wait()
	}
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("%s: %v", strings.Join(op.Ready.Exec, " "), err)
	if line := said.String(); line != "" {
		text += ": " + line
	}
	return text
}

// firstLine keeps the first line that is written to it, of 200 bytes at most.
type firstLine struct {
	kept []byte
	full bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	n := len(b)
	if i := bytes.IndexByte(b, '\n'); i >= 0 && !f.full {
		b, n = b[:i], len(b)
		defer func() { f.full = true }()
	}
	if !f.full {
		f.kept = append(f.kept, b[:min(len(b), 200-len(f.kept))]...)
	}
	return n, nil
}

func (f *firstLine) String() string { return strings.TrimSpace(string(f.kept)) }

// notListening says which of the ports has no socket among those that are new; "" if none lacks one.
// In a run on IPv6, sockets of IPv4 do not count: a server may open them first.
func notListening(ports language.ListenPorts, fresh []listener, v6 bool) string {
	on, elsewhere := map[int]bool{}, map[int]bool{}
	for _, l := range fresh {
		if v6 && !l.v6 {
			elsewhere[l.port] = true
		} else {
			on[l.port] = true
		}
	}
	if ports.Any() {
		if len(on) == 0 {
			return "no socket of it listens"
		}
		return ""
	}
	for _, port := range ports {
		if on[port] {
			continue
		}
		text := fmt.Sprintf("no socket of it listens on port %d", port)
		if elsewhere[port] {
			return text + " of IPv6, but one does of IPv4"
		}
		if others := slices.Sorted(maps.Keys(on)); len(others) > 0 {
			text += fmt.Sprintf(", but one on port %d", others[0])
		}
		return text
	}
	return ""
}

// listener is a socket that listens, or is bound for datagrams.
type listener struct {
	port  int
	v6    bool // and perhaps IPv4, too
	inode string
}

// listeners returns the sockets of the host that listen, or are bound for datagrams.
func listeners() []listener {
	var all []listener
	for _, table := range []struct{ name, state string }{
		{"tcp", "0A"}, {"tcp6", "0A"}, {"udp", "07"}, {"udp6", "07"}, // LISTEN; CLOSE, which is unconnected
	} {
		text, err := os.ReadFile("/proc/thread-self/net/" + table.name)
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(text)) {
			// The number, the local address, the remote one, the state; the inode is the tenth field
			// (proc_net_tcp.rst in the kernel's documentation).
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != table.state {
				continue
			}
			port, err := strconv.ParseUint(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 16)
			if err == nil {
				all = append(all, listener{int(port), strings.HasSuffix(table.name, "6"), f[9]})
			}
		}
	}
	return all
}
