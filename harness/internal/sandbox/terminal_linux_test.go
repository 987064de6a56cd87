package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// terminals is what a process finds of terminals.
type terminals struct {
	// Leader is whether the process leads a session; Own is what opening /dev/tty says, New what
	// opening a new pseudoterminal says.
	Leader   bool
	Own, New string
	// Others are the pseudoterminals in /dev/pts.
	Others []string
}

func lookForTerminals() terminals {
	said := func(path string) string {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			var errno unix.Errno
			errors.As(err, &errno)
			return unix.ErrnoName(errno)
		}
		f.Close()
		return "opened"
	}
	session, _ := unix.Getsid(0)
	found := terminals{Leader: session == os.Getpid(), Own: said("/dev/tty"), New: said("/dev/ptmx")}
	for _, name := range names("/dev/pts") {
		if _, err := strconv.Atoi(name); err == nil {
			found.Others = append(found.Others, name)
		}
	}
	return found
}

func terminalRole() (any, error) {
	if err := errors.Join(Enter(hostname), Cover()); err != nil {
		return nil, err
	}
	return lookForTerminals(), nil
}

// userRole is a process with a controlling terminal, as a user's: it starts a sandbox, which looks.
func userRole() (any, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := Start("test-terminal", nil, os.Stderr, w)
	w.Close()
	if err != nil {
		return nil, err
	}
	var a answer
	err = json.NewDecoder(r).Decode(&a)
	if _, waitErr := p.Wait(); err == nil {
		err = waitErr
	}
	return map[string]any{"user": lookForTerminals(), "lab": a.Value, "error": a.Error}, err
}

// A sandbox has none of the user's terminals, not even the one that controls the program which
// started it. Its programs can make their own.
func TestTheTerminalStaysTheUsers(t *testing.T) {
	needSandbox(t)
	terminal := openTerminal(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"test-user"}, Stderr: os.Stderr, ExtraFiles: []*os.File{w},
		Stdin:       terminal,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true, Setctty: true, Ctty: 0},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := r.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	text, readErr := io.ReadAll(r)
	if readErr != nil {
		_ = cmd.Process.Kill() // it has not answered in time
	}
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	var a struct {
		Error string
		Value struct {
			User, Lab terminals
			Error     string
		}
	}
	if err := json.Unmarshal(text, &a); err != nil || a.Error+a.Value.Error != "" {
		t.Fatalf("%s: %v", text, err)
	}
	// The user's own look shows that there was a terminal to find.
	if a.Value.User.Own != "opened" || len(a.Value.User.Others) == 0 {
		t.Errorf("the user found %+v, want a controlling terminal", a.Value.User)
	}
	want := terminals{Leader: true, Own: "ENXIO", New: "opened"}
	if diff := cmp.Diff(want, a.Value.Lab); diff != "" {
		t.Errorf("in the lab (-want +got):\n%s", diff)
	}
}

// openTerminal makes a pseudoterminal and returns the end of its programs.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return slave
}

// An empty element of PATH is the working directory, from which nothing may be run by its name.
func TestRootPathHasNoEmptyElement(t *testing.T) {
	const added = "/usr/local/sbin:/usr/sbin:/sbin"
	for path, want := range map[string]string{"": added, "/bin": "/bin:" + added, "/bin:/x": "/bin:/x:" + added} {
		if got := rootPath(path); got != want {
			t.Errorf("rootPath(%q) = %q, want %q", path, got, want)
		}
	}
}
