package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/kernel"
)

// namespaces are the new namespaces of every sandbox. A user namespace is added if the caller is
// not root.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

// Process is a process started by [Start] or [Spawn].
type Process struct {
	// PID is the number of the process in the caller's PID namespace.
	PID int
}

// Start runs this program again under the name role, as PID 1 of new namespaces. Its descriptors 1
// and 2 are stderr; files are 3, 4 and so on. It leads a session without a controlling terminal, so
// that nothing in the sandbox has the caller's, or gets its signals. It dies with this process. An
// error that is an [inject.MissingError] says why this machine does not allow it.
//
// If the caller is not root, ids are IDs that the sandbox has next to root; nil for none. The process
// must then call [AwaitMaps] with the first of the files.
func Start(role string, ids *Subordinate, stderr *os.File, files ...*os.File) (*Process, error) {
	attr := &syscall.SysProcAttr{
		Cloneflags: namespaces,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	env := os.Environ()
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		if err := kernel.CheckCapabilities(); err != nil {
			return nil, err
		}
	} else {
		// Inside, the process is root. Its PATH gets the directories where Debian keeps ip and
		// iptables.
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "PATH=") })
		env = append(env, "PATH="+rootPath(os.Getenv("PATH")))
		// The kernel gives a program with file capabilities to root in /proc, where the maps of the
		// user namespace are written (proc_pid(5), capabilities(7)).
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			return nil, fmt.Errorf("making the process its user's in /proc: %w", err)
		}
		attr.Cloneflags |= unix.CLONE_NEWUSER
		if ids != nil {
			role = unmapped + role
		} else {
			attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
		}
	}
	var p *Process
	err := OnImmortalThread(func() (err error) {
		p, err = fork(role, env, stderr, files, attr)
		return err
	})
	if err != nil {
		return nil, kernel.ExplainClone(err, uid)
	}
	if ids != nil {
		if err := ids.write(p.PID); err != nil {
			_ = p.Signal(syscall.SIGKILL)
			_, waitErr := p.Wait()
			return nil, errors.Join(err, waitErr)
		}
	}
	return p, nil
}

// rootPath adds the directories of root's programs to a PATH. An empty PATH stays without an empty
// element, which would stand for the working directory.
func rootPath(path string) string {
	return strings.TrimPrefix(path+":/usr/local/sbin:/usr/sbin:/sbin", ":")
}

// Spawn runs this program again under the name role in the network namespace netns, with files as
// descriptors 3, 4 and so on. The process dies with this one. The caller must reap it.
func Spawn(
	role string, env []string, netns int, stderr *os.File, files ...*os.File,
) (*Process, error) {
	var p *Process
	err := OnImmortalThread(func() error {
		home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening the network namespace: %w", err)
		}
		defer unix.Close(home)
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering the host's network namespace: %w", err)
		}
		p, err = fork(role, env, stderr, files,
			&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true})
		if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
			// A thread in the wrong namespace would put the next process there too.
			panic(fmt.Sprintf("halfopen: returning to the wire's network namespace: %v", back))
		}
		return err
	})
	if err != nil {
		return nil, kernel.ExplainScarcity(fmt.Errorf("starting %s: %w", role, err))
	}
	return p, nil
}

func fork(
	role string, env []string, stderr *os.File, files []*os.File, attr *syscall.SysProcAttr,
) (*Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	fds := []uintptr{null.Fd(), stderr.Fd(), stderr.Fd()}
	for _, f := range files {
		fds = append(fds, f.Fd())
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{role},
		&syscall.ProcAttr{Env: env, Files: fds, Sys: attr})
	runtime.KeepAlive(files)
	runtime.KeepAlive(stderr)
	if err == syscall.EBADF {
		err = syscall.EMFILE // the child moves its files to numbers that the limit does not allow
	}
	if err != nil {
		return nil, err
	}
	return &Process{PID: pid}, nil
}

// Signal sends a signal to the process. It is not an error if the process has already ended.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := syscall.Kill(p.PID, sig); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("sending %v to process %d: %w", sig, p.PID, err)
	}
	return nil
}

// ErrImmortal is the error of [Process.Await] for a process that is no longer waited for.
var ErrImmortal = errors.New("the process does not end")

// Await waits until the process has ended but does not reap it: until Wait does, no other process
// can get its PID, and Signal is safe. It stops waiting with [ErrImmortal] when immortal is closed,
// unless the kernel, older than Linux 5.3, has no descriptors for processes.
func (p *Process) Await(immortal <-chan struct{}) error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return p.awaitBlocked()
	}
	// The runtime polls a descriptor that does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return fmt.Errorf("waiting for process %d: %w", p.PID, err)
	}
	end := os.NewFile(uintptr(fd), "process")
	defer end.Close()
	conn, err := end.SyscallConn()
	if err != nil {
		return fmt.Errorf("waiting for process %d: %w", p.PID, err)
	}
	waited, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-immortal:
			_ = end.SetReadDeadline(time.Unix(1, 0)) // what the runtime polls has deadlines
		case <-waited:
		}
	}()
	err = conn.Read(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 0)
		return err == nil && n > 0
	})
	close(waited)
	<-watched
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrImmortal
	}
	return err
}

// awaitBlocked waits as Await does, on a thread of the kernel.
func (p *Process) awaitBlocked() error {
	for {
		err := unix.Waitid(unix.P_PID, p.PID, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for process %d: %w", p.PID, err)
		}
		return nil
	}
}

// Wait reaps the process and returns its status.
func (p *Process) Wait() (syscall.WaitStatus, error) {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(p.PID, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("waiting for process %d: %w", p.PID, err)
		}
		return status, nil
	}
}

// immortal is a thread that never ends. It forks all children, because Pdeathsig is sent when the
// parent's thread ends, not its process.
var immortal struct {
	once sync.Once
	work chan func()
}

// OnImmortalThread calls f on a thread that lives as long as this process.
func OnImmortalThread(f func() error) error {
	immortal.once.Do(func() {
		immortal.work = make(chan func())
		go func() {
			runtime.LockOSThread()
			for w := range immortal.work {
				w()
			}
		}()
	})
	done := make(chan error)
	immortal.work <- func() { done <- f() }
	return <-done
}
