package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// otherNamespace makes a second network namespace.
func otherNamespace() (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // the thread stays in the namespace, and ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- result{nil, err}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		made <- result{f, err}
	}()
	r := <-made
	return r.file, r.err
}

// parentRole is a program that starts a lab and is then killed. Descriptor 3 is open in all its
// processes.
func parentRole() (any, error) {
	ready := os.NewFile(3, "ready")
	if _, err := Start("test-lab", nil, os.Stderr, ready); err != nil {
		return nil, err
	}
	select {}
}

// labRole is the lab: PID 1, an actor, and an orphan in another process group.
func labRole() (any, error) {
	if err := Enter(hostname); err != nil {
		return nil, err
	}
	r := NewReaper()
	ready := os.NewFile(3, "ready")
	ns, err := otherNamespace()
	if err != nil {
		return nil, err
	}
	if _, err := r.Spawn(func() (*Process, error) {
		return Spawn("test-lingering", os.Environ(), int(ns.Fd()), os.Stderr, ready)
	}, func(syscall.WaitStatus) {}); err != nil {
		return nil, err
	}
	err = r.Exec(func() error {
		cmd := exec.Command("sh", "-c", "(trap '' HUP INT TERM; echo orphan >&3; exec sleep 1000) & :")
		cmd.ExtraFiles = []*os.File{ready}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd.Run()
	})
	if err != nil {
		return nil, err
	}
	if _, err := ready.WriteString("lab\n"); err != nil {
		return nil, err
	}
	select {}
}

func lingeringRole() (any, error) {
	if _, err := os.NewFile(3, "ready").WriteString("actor\n"); err != nil {
		return nil, err
	}
	select {}
}

// All processes of a lab die with the program that started it, even if that program is killed. Then
// the pipe that they all hold ends.
func TestALabDiesWithItsParent(t *testing.T) {
	needSandbox(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"test-parent"}, Stderr: os.Stderr, ExtraFiles: []*os.File{w},
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := r.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	var said [3]string
	for i := range said {
		if _, err := fmt.Fscanln(r, &said[i]); err != nil {
			t.Fatalf("after %q: %v", said[:i], err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if n, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a process of the lab is still alive and holds the pipe: %d bytes, %v", n, err)
	}
}

// Signalling a process that has already ended has no effect and is not an error.
func TestSignalAfterTheEnd(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 3"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{PID: pid}
	status, err := p.Wait()
	if err != nil || status.ExitStatus() != 3 {
		t.Errorf("Wait: %d, %v; want 3", status.ExitStatus(), err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("Signal: %v", err)
	}
	if _, err := p.Wait(); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("waiting again: %v, want ECHILD", err)
	}
}
