package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// others lists the other processes of the sandbox, including zombies.
func others() (list []string) {
	for _, name := range names("/proc") {
		if _, err := strconv.Atoi(name); err != nil || name == "1" {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err == nil {
			list = append(list, strings.Join(strings.Fields(string(stat))[:3], " "))
		}
	}
	return list
}

func noOthers() error {
	if left := others(); len(left) > 0 {
		return fmt.Errorf("still there: %s", strings.Join(left, ", "))
	}
	return nil
}

// orphansRole makes processes whose parents end before them.
func orphansRole() (any, error) {
	if err := Enter(hostname); err != nil {
		return nil, err
	}
	r := NewReaper()
	var ran []string
	for range 20 {
		err := r.Exec(func() error {
			out, err := exec.Command("sh", "-c", "sh -c 'kill -STOP $$; exit 7' >/dev/null 2>&1 & echo $!").Output()
			ran = append(ran, strings.TrimSpace(string(out)))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	// All are orphans by now, because their parents have been waited for. No orphan has ended.
	for _, pid := range ran {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return nil, err
		}
		if err := eventually(func() error {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			if err != nil {
				return err
			}
			if fields := strings.Fields(string(stat)); fields[2] != "T" || fields[3] != "1" {
				return fmt.Errorf("orphan %s is in state %s, its parent is %s", pid, fields[2], fields[3])
			}
			return nil
		}); err != nil {
			return nil, err
		}
		if err := syscall.Kill(n, syscall.SIGCONT); err != nil {
			return nil, err
		}
	}
	return len(ran), eventually(noOthers)
}

// PID 1 inherits the orphans of its namespace and leaves no zombies.
func TestReaperReapsOrphans(t *testing.T) {
	needSandbox(t)
	var orphans int
	run(t, "test-orphans", &orphans)
	if orphans != 20 {
		t.Errorf("there were %d orphans, want 20", orphans)
	}
}

// endings counts how the children of childrenRole ended and lists the problems.
type endings struct {
	Ended, Twice, Wrong, Execs int
	Problems                   []string
}

// spawned is how many children are started. The same number of programs is run and waited for at
// the same time.
const spawned = 400

func childrenRole() (any, error) {
	if err := Enter(hostname); err != nil {
		return nil, err
	}
	r := NewReaper()
	var mu sync.Mutex
	var e endings
	problem := func(err error) {
		mu.Lock()
		e.Problems = append(e.Problems, err.Error())
		mu.Unlock()
	}
	seen := map[int]bool{}
	ended := make(chan struct{}, 2*spawned)
	var starters sync.WaitGroup
	for g := range 4 {
		starters.Go(func() {
			for i := range spawned / 4 {
				number := g*spawned/4 + i
				_, err := r.Spawn(func() (*Process, error) {
					pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", fmt.Sprintf("exit %d", number%256)}, &syscall.ProcAttr{})
					return &Process{PID: pid}, err
				}, func(status syscall.WaitStatus) {
					mu.Lock()
					if seen[number] {
						e.Twice++
					}
					seen[number] = true
					if !status.Exited() || status.ExitStatus() != number%256 {
						e.Wrong++
					}
					mu.Unlock()
					ended <- struct{}{}
				})
				if err != nil {
					problem(err)
				}
			}
		})
	}
	for range 2 {
		starters.Go(func() {
			for range spawned / 2 {
				// The reaper must not reap the child that Run waits for.
				if err := r.Exec(func() error { return exec.Command("/bin/sh", "-c", ":").Run() }); err != nil {
					problem(err)
				}
				mu.Lock()
				e.Execs++
				mu.Unlock()
			}
		})
	}
	starters.Wait()
	late := time.After(deadline / 2)
	for e.Ended < spawned {
		select {
		case <-ended:
			e.Ended++
		case <-late:
			e.Problems = append(e.Problems, "left: "+strings.Join(others(), ", "))
			return e, nil
		}
	}
	return e, eventually(noOthers)
}

// The end of each child is reported once, with its status, however many children start, end and are
// waited for at the same time.
func TestReaperTellsOfEachChild(t *testing.T) {
	needSandbox(t)
	var got endings
	run(t, "test-children", &got)
	if diff := cmp.Diff(endings{Ended: spawned, Execs: spawned}, got); diff != "" {
		t.Errorf("children (-want +got):\n%s", diff)
	}
}

// busyRole is a lab whose only goroutine runs programs while nobody receives the end of a child.
func busyRole() (any, error) {
	if err := Enter(hostname); err != nil {
		return nil, err
	}
	r := NewReaper()
	inbox := make(chan int)
	for range 3 {
		p, err := r.Spawn(func() (*Process, error) {
			pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 5"}, &syscall.ProcAttr{})
			return &Process{PID: pid}, err
		}, func(status syscall.WaitStatus) { inbox <- status.ExitStatus() })
		if err != nil {
			return nil, err
		}
		// The child has ended by the time the program runs.
		if err := r.Exec(func() error {
			if err := eventually(func() error { return zombie(p.PID) }); err != nil {
				return err
			}
			return exec.Command("/bin/sh", "-c", ":").Run()
		}); err != nil {
			return nil, err
		}
		if err := r.Exec(func() error { return nil }); err != nil {
			return nil, err
		}
		if status := <-inbox; status != 5 {
			return nil, fmt.Errorf("the child ended with status %d", status)
		}
	}
	return true, eventually(noOthers)
}

// zombie returns nil for a process that has ended.
func zombie(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil && strings.Fields(string(stat))[2] != "Z" {
		err = fmt.Errorf("process %d runs", pid)
	}
	return err
}

// The receiver of a child's end may be busy in Exec. The reaper and the receiver must not wait for
// each other.
func TestReaperDoesNotWaitForItsCaller(t *testing.T) {
	needSandbox(t)
	var done bool
	run(t, "test-busy", &done)
}

// exitRole is a child of actorRole. It ends with the status that its environment sets.
func exitRole() (any, error) {
	status, err := strconv.Atoi(os.Getenv("STATUS"))
	if err != nil {
		return nil, err
	}
	namespace, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	if _, err := os.NewFile(3, "answer").WriteString(namespace); err != nil {
		return nil, err
	}
	os.Exit(status)
	panic("unreachable")
}

// spawnings are the network namespaces and the exit statuses of actorRole's children.
type spawnings struct {
	Home, Other string
	Namespaces  []string
	Statuses    []int
	After       string
}

func actorRole() (any, error) {
	if err := Enter(hostname); err != nil {
		return nil, err
	}
	r := NewReaper()
	var s spawnings
	var err error
	if s.Home, err = os.Readlink("/proc/thread-self/ns/net"); err != nil {
		return nil, err
	}
	other, err := otherNamespace()
	if err != nil {
		return nil, err
	}
	defer other.Close()
	if s.Other, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", other.Fd())); err != nil {
		return nil, err
	}
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer home.Close()
	for i, ns := range []*os.File{other, home, other} {
		answers, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		ended := make(chan int, 1)
		_, err = r.Spawn(func() (*Process, error) {
			return Spawn("test-exit", append(os.Environ(), fmt.Sprintf("STATUS=%d", 40+i)), int(ns.Fd()), os.Stderr, w)
		}, func(status syscall.WaitStatus) { ended <- status.ExitStatus() })
		w.Close()
		if err != nil {
			return nil, err
		}
		text := make([]byte, 100)
		n, err := answers.Read(text)
		answers.Close()
		if err != nil {
			return nil, err
		}
		s.Namespaces = append(s.Namespaces, string(text[:n]))
		s.Statuses = append(s.Statuses, <-ended)
	}
	return s, nil
}

// A spawned process is in the requested namespace.
func TestSpawn(t *testing.T) {
	needSandbox(t)
	var got spawnings
	run(t, "test-actor", &got)
	if got.Home == got.Other {
		t.Fatalf("both namespaces are %s", got.Home)
	}
	if want := []string{got.Other, got.Home, got.Other}; !slices.Equal(got.Namespaces, want) {
		t.Errorf("the children were in %q, want %q", got.Namespaces, want)
	}
	if want := []int{40, 41, 42}; !slices.Equal(got.Statuses, want) {
		t.Errorf("the children ended with %v, want %v", got.Statuses, want)
	}
}
