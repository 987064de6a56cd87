package harness_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kills is how many labs are killed, each at a random moment.
const kills = 100

// TestKilledLabLeavesNothing kills a process of a lab with SIGKILL at a random moment, many times, and then looks for
// anything on the host that was not there before. The seed is printed.
func TestKilledLabLeavesNothing(t *testing.T) {
	needLab(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	before := lookAtHost(t)
	spaces := map[string]bool{}
	for i := range kills {
		// From before the sandbox exists to well into the actors' work.
		after := time.Duration(random.IntN(250)) * time.Millisecond
		killOne(t, []string{"parent", "pid1", "actor"}[i%3], after, random, spaces)
	}
	if len(spaces) == 0 {
		t.Fatal("every lab was killed before it had namespaces: the test proves nothing")
	}
	eventually(t, func() error { return gone(spaces) })
	eventually(t, func() error {
		if diff := cmp.Diff(before, lookAtHost(t)); diff != "" {
			return fmt.Errorf("the host has changed (-before +after):\n%s", diff)
		}
		return nil
	})
}

// killOne runs a lab, waits, kills one of its processes, and waits until the program that ran the
// lab has ended. It adds the lab's namespaces to spaces.
func killOne(t *testing.T, whom string, after time.Duration, random *rand.Rand, spaces map[string]bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), runFileEnv+"=testdata/busy.yaml")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	parent := cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	<-time.After(after) // not a wait for readiness: the moment is random on purpose
	family := descendants(parent)
	own := namespacesOf(os.Getpid())
	for _, pid := range family {
		for ns := range namespacesOf(pid) {
			if !own[ns] {
				spaces[ns] = true
			}
		}
	}
	victim := parent
	if lab := childrenOf(parent); len(lab) > 0 && whom != "parent" {
		victim = lab[0]
		if actors := childrenOf(lab[0]); len(actors) > 0 && whom == "actor" {
			victim = actors[random.IntN(len(actors))]
		}
	}
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		t.Fatalf("killing %s: %v", whom, err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		t.Fatalf("the run did not end although its %s was killed after %v", whom, after)
	}
	eventually(t, func() error {
		for _, pid := range family {
			if name, ok := processName(pid); ok {
				return fmt.Errorf("process %d (%s) outlived its lab: killed the %s after %v", pid, name, whom, after)
			}
		}
		return nil
	})
}

// eventually fails the test if f does not return nil within 10 s: the kernel takes its time to
// remove namespaces.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func processName(pid int) (string, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	_, rest, _ := strings.Cut(string(stat), "(")
	name, rest, _ := strings.Cut(rest, ")")
	return name, !strings.HasPrefix(rest, " Z")
}

func childrenOf(pid int) []int {
	var children []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, l := range lists {
		text, _ := os.ReadFile(l)
		for _, f := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(f)
			children = append(children, child)
		}
	}
	slices.Sort(children)
	return children
}

func descendants(pid int) []int {
	all := []int{pid}
	for _, c := range childrenOf(pid) {
		all = append(all, descendants(c)...)
	}
	return all
}

// namespacesOf returns the namespaces of a process by kind and inode, such as net:[4026531840].
func namespacesOf(pid int) map[string]bool {
	spaces := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/ns/*", pid))
	for _, l := range links {
		if ns, err := os.Readlink(l); err == nil {
			spaces[ns] = true
		}
	}
	return spaces
}

// gone returns an error if a process or mount still holds one of the namespaces.
func gone(spaces map[string]bool) error {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		for ns := range namespacesOf(pid) {
			if spaces[ns] {
				name, _ := processName(pid)
				return fmt.Errorf("process %d (%s) is still in %s", pid, name, ns)
			}
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for ns := range spaces {
		if strings.Contains(string(mounts), ns) {
			return fmt.Errorf("%s is still mounted", ns)
		}
	}
	return nil
}

// lookAtHost lists everything that a lab could leave on the host.
func lookAtHost(t *testing.T) map[string][]string {
	t.Helper()
	seen := map[string][]string{
		"links":  dirNames("/sys/class/net"),
		"netns":  append(dirNames("/run/netns"), dirNames("/var/run/netns")...),
		"run":    dirNames("/run"),
		"tmp":    slices.DeleteFunc(dirNames(os.TempDir()), func(n string) bool { return !strings.Contains(n, "halfopen") }),
		"mounts": lines("/proc/self/mountinfo"),
		"hosts":  lines("/etc/hosts"),
		"routes": append(lines("/proc/net/route"), lines("/proc/net/ipv6_route")...),
		"sysctl": sysctls(),
	}
	for _, save := range []string{"iptables-save", "ip6tables-save"} {
		if out, err := exec.Command(save).Output(); err == nil {
			seen[save] = slices.DeleteFunc(strings.Split(string(out), "\n"), func(l string) bool {
				return strings.HasPrefix(l, "#") || strings.HasPrefix(l, ":") // times and counters
			})
		}
	}
	return seen
}

func dirNames(dir string) []string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func lines(path string) []string {
	text, _ := os.ReadFile(path)
	return strings.Split(string(text), "\n")
}

// sysctls returns the host's network parameters, without those that the kernel changes by itself.
func sysctls() []string {
	var all []string
	_ = filepath.WalkDir("/proc/sys/net", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "conntrack_count") {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			all = append(all, path+" = "+strings.TrimSpace(string(text)))
		}
		return nil
	})
	return all
}
