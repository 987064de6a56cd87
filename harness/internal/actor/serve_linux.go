// Package actor is the process that runs the steps of one actor on plain sockets. It defines the
// protocol that the harness speaks with this process over two pipes, and [Serve], the side of the
// process.
//
// Each step is the system call that it is named after, made on an OS thread reserved for steps. So
// it blocks, is interrupted and fails exactly as the kernel decides.
package actor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/sandbox"
	"halfopen/internal/codec"
	"halfopen/internal/monitor"
	"halfopen/scenarios/language"
)

// Serve runs an actor's process. It reads one [Command] per line from in and writes one [Report]
// per line to out. It returns at Stop or the end of in, even if steps still block. The process must
// then exit, which closes its sockets.
//
// Serve sets the handlers of SIGUSR1 and of the signals that the actor endures. The harness should
// start the process with [Environment], so that the Go runtime sends no signals. Errors come from the
// pipes and from invalid commands.
func Serve(in io.Reader, out io.Writer) error {
	for _, pipe := range []any{in, out} {
		if err := closeOnExec(pipe); err != nil {
			return fmt.Errorf("keeping the control pipes from programs: %w", err)
		}
	}
	monitor.Provide(monitor.Spare)
	_ = monitor.Relax() // without the privilege, the process takes more processor time
	ended := make(chan error, 2)
	reports := &reporter{enc: codec.NewEncoder(out), broken: ended}
	go func() { ended <- obey(codec.NewDecoder(in), reports) }()
	return <-ended
}

// branches returns how many branches the parallel steps in steps have, at most mostBranches.
func branches(steps []language.Step) int {
	n := 0
	language.EachStep(steps, func(s *language.Step) {
		if s.Op.Parallel != nil {
			n += len(s.Op.Parallel.Branches)
		}
	})
	return min(n, mostBranches)
}

// mostBranches bounds the memory for the runtime's processors, of which each takes some 20 kB.
const mostBranches = 256

// obey carries out commands until Stop or the end of the pipe.
func obey(commands *codec.Decoder, reports *reporter) error {
	var s *session
	for {
		var c Command
		err := commands.Decode(&c)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading a command: %w", err)
		case c.Stop:
			return nil
		case c.Init != nil:
			if s != nil {
				return errors.New("a second init command")
			}
			if err := handleUSR1(c.Init.Interruptible); err != nil {
				return fmt.Errorf("setting the handler of SIGUSR1: %w", err)
			}
			var wanted []syscall.Signal
			for _, name := range c.Init.Signals {
				wanted = append(wanted, unix.SignalNum("SIG"+name))
			}
			sandbox.Endure(wanted...)
			if c.Init.Topology == nil {
				return errors.New("the init command has no topology")
			}
			if language.RunsPrograms(c.Init.Steps) {
				sandbox.ReserveThreads(sandbox.SpareThreads)
			}
			// Each branch of a parallel step may be in a system call that lasts.
			monitor.Provide(branches(c.Init.Steps))
			s = newSession(c.Init, reports)
			s.bound, s.root = inherited(c.Init.Bound, "bound"), inherited(c.Init.Root, "root")
			s.logs = newLogs(inherited(c.Init.Logs, "logs"), c.Init.Host)
			go s.live()
		case s == nil:
			return errors.New("the first command was not init")
		default:
			if err := s.obey(&c); err != nil {
				return err
			}
		}
	}
}

// inherited returns a file that the actor's process got, which programs do not get; nil for 0.
func inherited(fd int, name string) *os.File {
	if fd == 0 {
		return nil
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// closeOnExec keeps the programs of exec steps from holding a control pipe open.
func closeOnExec(pipe any) error {
	file, ok := pipe.(syscall.Conn)
	if !ok {
		return nil
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) { unix.CloseOnExec(int(fd)) })
}

// reporter writes reports, one at a time. The first failed write ends the actor, because nobody
// reads the reports any more.
type reporter struct {
	mu     sync.Mutex
	enc    *codec.Encoder
	broken chan<- error
}

func (r *reporter) report(report *Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enc.Encode(report); err != nil {
		select {
		case r.broken <- fmt.Errorf("writing a report: %w", err):
		default: // the actor is ending already
		}
	}
}
