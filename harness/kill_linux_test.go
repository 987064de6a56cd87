package harness_test

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
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
	"golang.org/x/sys/unix"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

//go:embed testdata/busy.yaml
var busy string

// refused is a scenario whose runs are so short that a kill often hits their storing.
const refused = `
name: refused
title: A connection is refused, again and again
hosts: {client: {}, server: {}}
actors:
  client: [{connect: "server:80"}]
expect:
  - {step: client.connect, error: ECONNREFUSED}
`

// killsEnv is how many processes are killed in all tests of this file; see make test-kill.
const killsEnv = "HALFOPEN_KILLS"

// kills returns a share of all kills, in percent.
func kills(t *testing.T, percent int) int {
	t.Helper()
	all := 120
	if text := os.Getenv(killsEnv); text != "" {
		var err error
		if all, err = strconv.Atoi(text); err != nil || all <= 0 {
			t.Fatalf("%s=%s: want a number of kills", killsEnv, text)
		}
	}
	return max(1, all*percent/100)
}

// TestKilledLabLeavesNothing kills a process with SIGKILL at a random moment, many times: the program
// that runs labs and stores their evidence, PID 1 of a lab, or an actor. It then looks for anything
// that is left on the host, and for files that are not complete.
func TestKilledLabLeavesNothing(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestKilledLabLeavesNothing")
		})
	}
	share := 50
	if os.Getenv(ordinaryEnv) != "" {
		share = 40
	}
	k := newKiller(t, "")
	for range kills(t, share) {
		text := busy
		if k.random.IntN(2) == 0 {
			text = refused
		}
		// From before the sandbox exists to well into the actors' work.
		after := time.Duration(k.random.IntN(400)) * time.Millisecond
		k.kill(text, []string{"parent", "pid1", "actor"}[k.random.IntN(3)], after)
	}
	k.end()
}

// TestKilledGuestLeavesNothing kills QEMU, and the program that runs it, at random moments.
func TestKilledGuestLeavesNothing(t *testing.T) {
	testlab.Long(t)
	_, err := suite.Warped()
	testlab.Supported(t, err)
	// A first run to its end keeps a snapshot, so that the next guests are up in less than a second.
	if err := runOften(refused, filepath.Join(t.TempDir(), "evidence"), true, 1); err != nil {
		t.Fatal(err)
	}
	k := newKiller(t, "1")
	for range kills(t, 10) {
		// From before the boot to well into the runs.
		after := time.Duration(k.random.IntN(3000)) * time.Millisecond
		k.kill(refused, []string{"parent", "qemu"}[k.random.IntN(2)], after)
	}
	k.end()
}

// killer kills processes of programs that run labs.
type killer struct {
	*testing.T
	random *rand.Rand
	// warp is the value of runWarpEnv.
	warp string
	// others are the children of the test that were there before, host is the host as it was.
	others []int
	host   map[string][]string
	// killed counts the kills by the name of the process, stored the files found.
	killed, stored map[string]int
}

// newKiller makes this process adopt all orphans: whatever outlives its parent becomes a child of
// this one. The seed is printed.
func newKiller(t *testing.T, warp string) *killer {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	return &killer{
		T: t, random: rand.New(rand.NewPCG(seed, 0)), warp: warp,
		others: childrenOf(os.Getpid()), host: lookAtHost(t),
		killed: map[string]int{}, stored: map[string]int{},
	}
}

// kill runs labs with a scenario, waits, kills a process of them, and waits until the program has
// ended. A program that is not the victim is interrupted.
func (k *killer) kill(text, whom string, after time.Duration) {
	k.Helper()
	dir, err := os.MkdirTemp("", "halfopen-killed-")
	if err != nil {
		k.Fatal(err)
	}
	defer os.RemoveAll(dir)
	evidence, temporary := filepath.Join(dir, "evidence"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o777); err != nil {
		k.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), runTextEnv+"="+text, runDirEnv+"="+evidence, runWarpEnv+"="+k.warp,
		"TMPDIR="+temporary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		k.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	<-time.After(after) // not a wait for readiness: the moment is random on purpose
	parent := cmd.Process.Pid
	family := map[int]string{}
	for _, pid := range descendants(parent) {
		family[pid] = startOf(pid)
	}
	victim, name := k.choose(parent, whom)
	k.killed[name]++
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		k.Fatalf("killing %s: %v", name, err)
	}
	if victim != parent {
		// The others of its labs go on. The program may also have ended by itself.
		if err := syscall.Kill(parent, syscall.SIGINT); err != nil && err != syscall.ESRCH {
			k.Fatal(err)
		}
	}
	what := fmt.Sprintf("killed the %s after %v", name, after)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		k.Fatalf("the program did not end: %s", what)
	}
	eventually(k.T, func() error {
		k.bury()
		for _, pid := range k.orphans() {
			if name, runs := processName(pid); runs {
				return fmt.Errorf("process %d (%s) is an orphan: %s", pid, name, what)
			}
		}
		for pid, start := range family {
			if name, runs := processName(pid); runs && startOf(pid) == start {
				return fmt.Errorf("process %d (%s) outlived its lab: %s", pid, name, what)
			}
		}
		return nil
	})
	if left := dirNames(temporary); len(left) > 0 {
		k.Errorf("temporary files %q are left: %s", left, what)
	}
	k.checkEvidence(evidence, what)
}

// choose returns the process to kill: the parent if the other does not exist at the moment.
func (k *killer) choose(parent int, whom string) (pid int, name string) {
	labs := childrenOf(parent)
	switch {
	case len(labs) == 0 || whom == "parent":
		return parent, "parent"
	case whom != "actor":
		return labs[k.random.IntN(len(labs))], whom
	}
	lab := labs[k.random.IntN(len(labs))]
	if actors := childrenOf(lab); len(actors) > 0 {
		return actors[k.random.IntN(len(actors))], "actor"
	}
	return lab, "pid1"
}

// orphans returns the processes that this one has adopted, and theirs.
func (k *killer) orphans() []int {
	var all []int
	for _, child := range childrenOf(os.Getpid()) {
		if !slices.Contains(k.others, child) {
			all = append(all, descendants(child)...)
		}
	}
	return all
}

// bury reaps the orphans that have ended.
func (k *killer) bury() {
	for _, pid := range k.orphans() {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // a process of another parent is not reaped
	}
}

// checkEvidence wants only whole files of runs below dir.
func (k *killer) checkEvidence(dir, what string) {
	k.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		k.stored[d.Name()]++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := whole(d.Name(), data); err != nil {
			k.Errorf("%s, of %d bytes: %v: %s", path, len(data), err, what)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have been killed before its first run
		k.Error(err)
	}
}

// whole returns an error for a file that is not complete, or not one of a stored run.
func whole(name string, data []byte) error {
	switch name {
	case result.TraceFile:
		if !bytes.HasSuffix(data, []byte("\n")) {
			return errors.New("its last line has no end")
		}
		_, err := trace.Read(bytes.NewReader(data))
		return err
	case result.VerdictFile:
		return json.Unmarshal(data, new(map[string]any))
	case result.CaptureFile:
		return wholePcapng(data)
	case result.ScenarioFile:
		_, err := language.Parse(name, data)
		return err
	}
	return errors.New("no file of a stored run has this name")
}

// wholePcapng returns an error unless the data are whole blocks of pcapng, and some.
func wholePcapng(data []byte) error {
	if len(data) == 0 {
		return errors.New("it is empty")
	}
	for len(data) > 0 {
		if len(data) < 12 {
			return errors.New("its last block is cut off")
		}
		// The length of a block is at both of its ends.
		n := binary.LittleEndian.Uint32(data[4:])
		if n < 12 || uint64(n) > uint64(len(data)) ||
			binary.LittleEndian.Uint32(data[n-4:n]) != n {
			return errors.New("its last block is cut off")
		}
		data = data[n:]
	}
	return nil
}

func TestWhole(t *testing.T) {
	// An empty section header block, and one with a wrong length at its end.
	block := []byte{10, 13, 13, 10, 12, 0, 0, 0, 12, 0, 0, 0}
	wrong := []byte{10, 13, 13, 10, 12, 0, 0, 0, 13, 0, 0, 0}
	line := `{"t":0,"note":{"text":"hi"}}` + "\n"
	for _, tt := range []struct {
		name, file, data string
		whole            bool
	}{
		{"a verdict", result.VerdictFile, `{"a": 1}`, true},
		{"half a verdict", result.VerdictFile, `{"a": `, false},
		{"an empty verdict", result.VerdictFile, "", false},
		{"a trace", result.TraceFile, line + line, true},
		{"a trace that ends within a line", result.TraceFile, line + line[:9], false},
		{"a trace without its last byte", result.TraceFile, line[:len(line)-1], false},
		{"a capture", result.CaptureFile, string(block) + string(block), true},
		{"half a capture", result.CaptureFile, string(block) + string(block[:6]), false},
		{"a capture that ends after a length", result.CaptureFile, string(block) + string(block[:8]), false},
		{"a capture with a wrong block", result.CaptureFile, string(wrong), false},
		{"an empty capture", result.CaptureFile, "", false},
		{"a temporary file", result.TraceFile + ".tmp", line, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := whole(tt.file, []byte(tt.data)); (err == nil) != tt.whole {
				t.Errorf("the error is %v, want a whole file: %t", err, tt.whole)
			}
		})
	}
}

// end wants the host to be as it was, and the kills to have hit something.
func (k *killer) end() {
	k.Helper()
	eventually(k.T, func() error {
		if diff := cmp.Diff(k.host, lookAtHost(k.T)); diff != "" {
			return fmt.Errorf("the host has changed (-before +after):\n%s", diff)
		}
		return nil
	})
	k.Logf("killed: %v; files found: %v", k.killed, k.stored)
	if len(k.killed) < 2 {
		k.Error("only one sort of process was killed: the test proves little")
	}
	if k.stored[result.VerdictFile] == 0 && k.warp == "" { // a run in a guest may take longer than it lives
		k.Error("no run was ever stored: the test proves little")
	}
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

// startOf returns when a process started, in ticks, to tell it from another one with its number; "" if
// it has ended.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return fields[19] // starttime, field 22 of proc_pid_stat(5); the first here is field 3
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

// lookAtHost lists everything that a lab could leave on the host.
func lookAtHost(t *testing.T) map[string][]string {
	t.Helper()
	seen := map[string][]string{
		"links":  dirNames("/sys/class/net"),
		"netns":  append(dirNames("/run/netns"), dirNames("/var/run/netns")...),
		"run":    dirNames("/run"),
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
