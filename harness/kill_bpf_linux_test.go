package harness_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"halfopen/harness/internal/tracepoint"
	"halfopen/internal/testlab"
)

// A program that is killed while its lab runs leaves no object of eBPF in the kernel.
func TestKilledProgramLeavesNoBPFObject(t *testing.T) {
	needLab(t)
	view, err := tracepoint.Open()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), runFileEnv+"=testdata/busy.yaml")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The programs are there, and the lab runs: its actors are children of a child.
	const tracepoints = 7
	var objects map[object]bool
	eventually(t, func() error {
		objects = bpfObjects(cmd.Process.Pid)
		family := descendants(cmd.Process.Pid)
		if links := count(objects, "link"); links < tracepoints || len(family) < 4 {
			return fmt.Errorf("process %d has %d links of eBPF, and its family is %v",
				cmd.Process.Pid, links, family)
		}
		return nil
	})
	if programs, maps := count(objects, "prog"), count(objects, "map"); programs < tracepoints ||
		maps == 0 {
		t.Errorf("it has %d programs and %d maps: the test proves too little", programs, maps)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that the process was killed
	eventually(t, func() error {
		for o := range maps.Keys(objects) {
			if exists, err := o.exists(); err != nil || exists {
				return fmt.Errorf("%s %d outlived its process: %v", o.kind, o.id, err)
			}
		}
		return nil
	})
}

// object is an object of eBPF: "prog", "map" or "link", and its number.
type object struct {
	kind string
	id   uint32
}

// bpfObjects returns the objects that descriptors of a process hold.
func bpfObjects(pid int) map[object]bool {
	found := map[object]bool{}
	infos, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, path := range infos {
		text, _ := os.ReadFile(path) // "" if the descriptor was closed meanwhile
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			kind, isID := strings.CutSuffix(key, "_id")
			if !isID || !slices.Contains([]string{"prog", "map", "link"}, kind) {
				continue
			}
			o := object{kind: kind}
			if _, err := fmt.Sscan(value, &o.id); err == nil {
				found[o] = true
			}
		}
	}
	return found
}

func count(objects map[object]bool, kind string) int {
	n := 0
	for o := range objects {
		if o.kind == kind {
			n++
		}
	}
	return n
}

// exists asks the kernel for the object.
func (o object) exists() (bool, error) {
	var err error
	var found interface{ Close() error }
	switch o.kind {
	case "prog":
		found, err = ebpf.NewProgramFromID(ebpf.ProgramID(o.id))
	case "map":
		found, err = ebpf.NewMapFromID(ebpf.MapID(o.id))
	default:
		found, err = link.NewFromID(link.ID(o.id))
	}
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, found.Close()
}
