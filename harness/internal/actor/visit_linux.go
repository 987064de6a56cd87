package actor

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/creack/pty"

	"halfopen/harness/internal/sandbox"
	"halfopen/internal/codec"
	"halfopen/internal/hand"
	"halfopen/scenarios/language"
)

// Visit is the order to the process that runs a command by hand, on its host.
type Visit struct {
	Request hand.Request `json:"request"`
	// Dir is the working directory.
	Dir string `json:"dir"`
}

// The descriptors of that process: its order, the client, the root of programs, and then the streams
// that came with the request.
const (
	VisitOrder = 3 + iota
	visitClient
	visitRoot
	visitStreams
)

// ServeVisit runs the command of a visit, and answers its client.
func ServeVisit(order io.Reader) error {
	client, err := hand.NewConn(os.NewFile(visitClient, "client"))
	if err != nil {
		return err
	}
	defer client.Close()
	var v Visit
	if err := codec.NewDecoder(order).Decode(&v); err != nil {
		return fmt.Errorf("reading the order of a visit: %w", err)
	}
	root := inherited(visitRoot, "root")
	var streams []*os.File
	for i := range v.Request.Streams {
		streams = append(streams, inherited(visitStreams+i, "stream"))
	}
	cmd, terminal, err := v.start(root, streams)
	hand.CloseAll(streams)
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			err = fmt.Errorf("%s: %w", v.Request.Command[0], exec.ErrNotFound)
		}
		return client.Send(hand.Reply{Error: err.Error(), Status: statusOf(err)})
	}
	if terminal != nil {
		err = client.Send(hand.Reply{}, terminal)
		terminal.Close()
	} else {
		err = client.Send(hand.Reply{})
	}
	if err != nil {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // the client is gone; the process is not reaped yet
	}
	over := make(chan struct{})
	signaled := make(chan struct{})
	go func() {
		defer close(signaled)
		passSignals(client, cmd.Process.Pid, over)
	}()
	err = ended(cmd.Process.Pid)
	close(over)
	// From here on, a client that goes away changes nothing.
	status := hand.Ended{}
	if waited := cmd.Wait(); cmd.ProcessState == nil {
		return cmp.Or(err, waited)
	}
	state := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if state.Signaled() {
		status.Signal = int(state.Signal())
	} else {
		status.Exit = state.ExitStatus()
	}
	_ = client.Send(hand.Reply{Ended: &status}) // the client may be gone
	client.Close()
	<-signaled
	return nil
}

// statusOf returns the exit status for a command that could not be started.
func statusOf(err error) int {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, exec.ErrNotFound) {
		return hand.StatusNotFound
	}
	return hand.StatusCannotRun
}

// start starts the command, and returns the other side of its terminal, if it has one. The command
// dies with this thread.
func (v *Visit) start(root *os.File, streams []*os.File) (*exec.Cmd, *os.File, error) {
	r := &v.Request
	runtime.LockOSThread() // and never unlocked: it is in namespaces of its own
	if err := sandbox.EnterRoot(root, r.Host); err != nil {
		return nil, nil, err
	}
	shell := r.Shell
	if _, err := exec.LookPath(shell); !filepath.IsAbs(shell) || err != nil {
		shell = "/bin/sh"
	}
	command := r.Command
	if len(command) == 0 {
		command = []string{shell}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = v.Dir
	cmd.Env = append(environment(r.Host, "", nil, nil), "SHELL="+shell)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	var terminal *os.File
	if r.Terminal {
		ours, theirs, err := pty.Open()
		if err != nil {
			return nil, nil, fmt.Errorf("opening a terminal: %w", err)
		}
		defer theirs.Close()
		terminal = ours
		_ = pty.Setsize(ours, &pty.Winsize{Rows: r.Rows, Cols: r.Columns}) // the client sets it again
		cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
		cmd.SysProcAttr.Setctty = true
		cmd.Env = append(cmd.Env, "TERM="+cmp.Or(r.Term, "dumb"))
	}
	for i, stream := range r.Streams {
		switch stream {
		case 0:
			cmd.Stdin = streams[i]
		case 1:
			cmd.Stdout = streams[i]
		case 2:
			cmd.Stderr = streams[i]
		}
	}
	t := &thread{session: &session{Init: &Init{Host: r.Host}, root: root, processes: language.DefaultProcesses}}
	if err := t.startProgram(cmd, nil); err != nil {
		if terminal != nil {
			terminal.Close()
		}
		return nil, nil, err
	}
	return cmd, terminal, nil
}

// passSignals sends a command the signals that its client asks for, until over is closed. If the
// client goes away, it ends the command.
func passSignals(client *hand.Conn, pid int, over <-chan struct{}) {
	asked := make(chan unix.Signal)
	go func() {
		defer close(asked)
		for {
			var s hand.Signal
			files, err := client.Receive(&s)
			hand.CloseAll(files)
			if err != nil {
				return
			}
			select {
			case asked <- unix.SignalNum("SIG" + s.Name):
			case <-over:
				return
			}
		}
	}()
	for {
		select {
		case sig, ok := <-asked:
			if ok {
				_ = unix.Kill(-pid, sig) // its leader is not reaped before over is closed
				continue
			}
		case <-over:
			return
		}
		break
	}
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGCONT, unix.SIGKILL} {
		if sig == unix.SIGKILL {
			late := time.NewTimer(killAfter)
			select {
			case <-late.C:
			case <-over:
				late.Stop()
				return
			}
		}
		_ = unix.Kill(-pid, sig)
	}
	<-over
}
