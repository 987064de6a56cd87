package actor

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

const (
	// killAfter is the time between SIGTERM and SIGKILL.
	killAfter = time.Second
	// killedWithin is how long a killed process may take to end. A process that the kernel holds up
	// longer ends with the lab.
	killedWithin = 5 * time.Second
	// inputFor is how long the input of a program is still offered after its end, to processes that
	// it left running.
	inputFor = 500 * time.Millisecond
)

// exec runs a program in a new process group and waits for it. What the program left running does
// not hold up the step, and what that writes later is not kept. If the timeout ends the program,
// the errno is ETIMEDOUT, and no process of the group is left running.
func (t *thread) exec(_ *language.Step, op *language.Exec, o *outcome) {
	r := t.launch(&op.Launch, nil, o, t.startSeen)
	if r == nil {
		return
	}
	cmd, out := r.cmd, r.out
	late := make(chan struct{})
	callOff := terminateAfter(cmd.Process.Pid, time.Duration(op.Timeout), late)
	err := ended(cmd.Process.Pid)
	o.ended = t.Clock.Now()
	r.calls.letGo(out)
	out.end()
	callOff()
	_ = cmd.Wait() // its error is the exit status, which is read below
	r.in.end()
	timedOut := isClosed(late)
	if timedOut {
		endGroup(cmd.Process.Pid)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	t.endedAt(r, o.ended, status)
	if err != nil {
		o.problem(fmt.Errorf("waiting for %s: %w", cmd.Args[0], err))
		return
	}

	o.Stdout, o.StdoutEnd = out.stdout.text()
	o.Stderr, o.StderrEnd = out.stderr.text()
	o.StdoutBytes, o.StderrBytes = out.stdout.written, out.stderr.written
	o.Left = out.stdout.held || out.stderr.held
	o.Exit, o.Killed = exitOf(status)
	if o.Result = int64(o.Exit); o.Killed != "" {
		o.Result = -1
	}
	if timedOut {
		o.fail(unix.ETIMEDOUT)
	}
}

// launch begins the step and starts a program in a new process group. It returns nil if that failed,
// which the outcome says. ready is what a program beside must do; nil is nothing.
func (t *thread) launch(
	l *language.Launch, ready *language.Ready, o *outcome, start func(*running, *User) error,
) *running {
	args := l.Command
	if len(args) == 0 {
		o.problem(errors.New("the command is empty"))
		return nil
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = t.environ(o.ID, l)
	cmd.Dir = t.directory(l.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	r := &running{cmd: cmd, printed: t.newPrinted(o.ID, o.N), over: make(chan struct{})}
	if ready != nil {
		r.printed.watch(ready)
	}
	var err error
	if r.in, err = newInput(cmd); err != nil {
		o.problem(fmt.Errorf("making the pipes of %s: %w", args[0], err))
		return nil
	}
	if r.out, err = newOutputs(cmd, r.printed, t.logs); err != nil {
		r.in.started("")
		o.problem(fmt.Errorf("making the pipes of %s: %w", args[0], err))
		return nil
	}
	o.begin()
	as := t.Users[l.OtherUser()]
	if err = as.runs(cmd, r.in.r, r.out.stdout.w, r.out.stderr.w); err == nil {
		err = start(r, as)
	}
	if err != nil {
		r.in.started("")
		r.out.started()
		r.out.end()
		o.problem(fmt.Errorf("starting %s: %w", args[0], err))
		return nil
	}
	r.Program = trace.Program{
		Actor: o.Actor, Step: o.ID, N: o.N, PID: cmd.Process.Pid, Beside: o.Op == "start",
	}
	t.started(r)
	t.read(r.calls)
	r.in.started(l.Stdin)
	r.out.started()
	return r
}

// directory returns the working directory of a program: dir, below that of the actor's programs.
func (s *session) directory(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(s.Dir, dir)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// startProgram starts a program with the signal mask of the process instead of the thread's: a
// program inherits the mask of the thread that starts it, and would not end at its timeout with
// SIGTERM blocked. The program lives in a root directory of its own, and has few capabilities, see
// withhold. It must be started on this thread, because it dies with the thread that started it
// (PR_SET_PDEATHSIG). The thread itself moves there, too: steps look at no files but those of /proc.
//
// as is the user that the program runs as; nil is root of the lab. If its permissions do not let it enter
// the default working directory, it begins in its home directory.
func (t *thread) startProgram(cmd *exec.Cmd, as *User) error {
	if err := t.place(cmd, as); err != nil {
		return err
	}
	return explainStart(cmd, as, t.startPlaced(cmd))
}

// place moves the thread to the root directory of programs, and finds the program there.
func (t *thread) place(cmd *exec.Cmd, as *User) error {
	if t.root != nil {
		if err := sandbox.EnterRoot(t.root, t.Host); err != nil {
			return err
		}
		if name := cmd.Args[0]; filepath.Base(name) == name {
			cmd.Path, cmd.Err = exec.LookPath(name) // it may be a file of the scenario
		}
	}
	if as != nil && cmd.Dir == t.directory("") && !as.mayEnter(cmd.Dir) {
		cmd.Dir = as.Home
	}
	return nil
}

// startPlaced starts a program on the thread that place has moved.
func (t *thread) startPlaced(cmd *exec.Cmd) error {
	if err := withhold(); err != nil {
		return err
	}
	masked := setMask(&t.mask)
	defer setMask(&masked)
	return t.startLimited(cmd.Start)
}

// ended waits until a child has ended. It leaves the child a zombie, so that the process ID is not
// reused. [exec.Cmd.Wait] may return later, which is too late to take the time.
func ended(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// terminateAfter sends SIGTERM to a process group after the timeout, and SIGKILL killAfter later.
// It closes late when it sends SIGTERM. A timeout of 0 means never. The returned function calls it
// off.
func terminateAfter(group int, timeout time.Duration, late chan<- struct{}) (stop func()) {
	if timeout <= 0 {
		return func() {}
	}
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for i, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
			timer := time.NewTimer([]time.Duration{timeout, killAfter}[i])
			select {
			case <-timer.C:
				if i == 0 {
					close(late)
				}
				_ = unix.Kill(-group, sig) // ESRCH: the program has just ended
			case <-ended:
				timer.Stop()
				return
			}
		}
		<-ended
	}()
	return func() {
		close(ended)
		<-gone
	}
}

// endGroup waits until a process group, which has got SIGTERM, is empty. After killAfter it kills the
// processes that are left. The leader must have been reaped: a zombie counts as a process.
func endGroup(group int) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	kill := time.After(killAfter)
	give := time.After(killAfter + killedWithin)
	for unix.Kill(-group, 0) == nil {
		select {
		case <-tick.C:
		case <-kill:
			// No child escapes: a fork fails once its process has a fatal signal (copy_process in
			// kernel/fork.c).
			_ = unix.Kill(-group, unix.SIGKILL) // ESRCH: they have just ended
		case <-give:
			return
		}
	}
}
