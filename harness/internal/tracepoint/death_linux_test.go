//go:build amd64 || arm64

package tracepoint

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"halfopen/internal/testlab"
)

// viewerRole is the name under which the test binary is a process that watches its own namespace,
// says so, and waits to be killed.
const viewerRole = "test-viewer"

func TestMain(m *testing.M) {
	if os.Args[0] != viewerRole {
		os.Exit(m.Run())
	}
	fmt.Println(watchMyself())
	select {}
}

func watchMyself() error {
	view, err := Open()
	if err != nil {
		return err
	}
	stat, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return err
	}
	_, err = view.Watch(stat.Sys().(*syscall.Stat_t).Ino, func(Event) {})
	return err
}

// objects returns the kernel's eBPF objects: "program 12 tcp_probe".
func objects(t testing.TB) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			ended(t, err)
			break
		}
		id = next
		if p, err := ebpf.NewProgramFromID(id); err == nil { // else it has gone meanwhile
			found[fmt.Sprintf("program %d %s", id, p)] = true
			p.Close()
		}
	}
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if err != nil {
			ended(t, err)
			break
		}
		id = next
		if m, err := ebpf.NewMapFromID(id); err == nil {
			found[fmt.Sprintf("map %d %s", id, m)] = true
			m.Close()
		}
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		found[fmt.Sprintf("link %d", links.ID)] = true
	}
	try(t, links.Err())
	return found
}

// ended fails the test unless err says that there are no more objects.
func ended(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// without returns the names in a that are not in b.
func without(a, b map[string]bool) map[string]bool {
	rest := maps.Clone(a)
	maps.DeleteFunc(rest, func(name string, _ bool) bool { return b[name] })
	return rest
}

// awaitGone waits until none of the kernel's objects is left: it takes them away in its own time.
func awaitGone(t testing.TB, ours map[string]bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(deadline)
	for {
		left := objects(t)
		maps.DeleteFunc(left, func(name string, _ bool) bool { return !ours[name] })
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("these are left: %q", slices.Sorted(maps.Keys(left)))
		}
	}
}

// enough fails the test if there are too few objects for its result to say anything: seven programs
// and their links, and five maps.
func enough(t testing.TB, ours map[string]bool) {
	t.Helper()
	if len(ours) < 15 {
		t.Errorf("these objects were made: %q, want more", slices.Sorted(maps.Keys(ours)))
	}
}

// needView skips the test where a View cannot be opened.
func needView(t testing.TB) {
	t.Helper()
	testlab.Long(t)
	view, err := Open()
	testlab.Supported(t, err)
	try(t, view.Close())
}

func TestNothingIsLeftAfterSIGKILL(t *testing.T) {
	needView(t)
	before := objects(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{viewerRole}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	try(t, err)
	try(t, cmd.Start())
	ready, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(ready) != "<nil>" {
		t.Errorf("the viewer says %q, %v", ready, err)
	}
	ours := without(objects(t), before)
	try(t, cmd.Process.Kill())
	_ = cmd.Wait() // it says that the process was killed
	enough(t, ours)
	awaitGone(t, ours)
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	needView(t)
	before := objects(t)
	view, err := Open()
	try(t, err)
	ours := without(objects(t), before)
	try(t, view.Close())
	enough(t, ours)
	awaitGone(t, ours)
	if _, err := view.Watch(1, func(Event) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close, Watch returns %v, want %v", err, os.ErrClosed)
	}
	if err := view.Close(); err != nil {
		t.Errorf("the second Close returns %v", err)
	}
}
