// Command bench measures what halfopen promises, and prints each figure with its goal: the cost of
// a trivial run against a plain shell script that builds and removes the same lab, and of whole
// commands; the accuracy of delays; the cost of a queue to a stream, and of the kernel's tracepoints
// to streams and runs; the memory of large runs and of very many; and the speed of virtual machines.
// It runs as root. See make bench.
package main

import (
	"bytes"
	"embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

//go:embed plain.sh
var plain string

//go:embed scenarios/*.yaml
var files embed.FS

// bench has the options and results that the sections share.
type bench struct {
	figures
	// halfopen is the path of the command to measure, program the path of this one.
	halfopen, program string
	// dir has the files of the runs.
	dir     string
	kernel  string
	runs    int
	samples int
	repeat  int
}

// section is a section of the report.
type section struct {
	name    string
	measure func(*bench) error
}

func main() {
	var b bench
	var only, sink, source string
	var size int64
	flag.StringVar(&b.halfopen, "halfopen", "bin/halfopen", "the command to measure")
	flag.StringVar(&b.kernel, "kernel", "6.1",
		"the kernel of virtual machines, as halfopen run --kernel names it")
	flag.StringVar(&only, "only", "", "measure only these sections, separated by commas: "+
		sectionNames())
	flag.IntVar(&b.runs, "runs", 20, "number of runs of the trivial scenario and of the script")
	flag.IntVar(&b.samples, "memory-runs", 5, "number of additional runs that are sampled for memory")
	flag.IntVar(&b.repeat, "repeat", 3, "number of measurements of accuracy, throughput and boots")
	flag.StringVar(&sink, "sink", "", "receive one stream at this `ADDRESS`; for the measured runs")
	flag.StringVar(&source, "source", "", "send one stream to this `ADDRESS`; for the measured runs")
	flag.Int64Var(&size, "bytes", 0, "number of bytes that -source sends")
	flag.Parse()
	var err error
	switch {
	case sink != "":
		err = receive(sink)
	case source != "":
		err = send(source, size)
	default:
		err = b.measure(only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func sectionNames() string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

func (b *bench) measure(only string) (err error) {
	if err := kernel.CheckSystem(runtime.GOOS, "make bench"); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the plain script makes namespaces in /run/netns, which only root can: run make bench as root")
	}
	if b.halfopen, err = filepath.Abs(b.halfopen); err != nil {
		return err
	}
	if b.program, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "halfopen-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.CopyFS(b.dir, files); err != nil {
		return err
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if only != "" && !strings.Contains(", "+sectionNames()+",", " "+name+",") {
			return fmt.Errorf("invalid -only %s: want some of %s", name, sectionNames())
		}
	}
	for _, s := range sections {
		if only != "" && !slices.Contains(wanted, s.name) {
			continue
		}
		if err := s.measure(b); err != nil {
			return fmt.Errorf("measuring %s: %w", s.name, err)
		}
	}
	b.close()
	return nil
}

// file returns the path of one of the bench's own scenarios.
func (b *bench) file(name string) string { return filepath.Join(b.dir, "scenarios", name) }

// load returns a case of one of the bench's own scenarios.
func load(name string, set map[string]string) (*language.Scenario, error) {
	src, err := files.ReadFile("scenarios/" + name)
	if err != nil {
		return nil, err
	}
	f, err := language.Parse(name, src)
	if err != nil {
		return nil, err
	}
	runs, err := f.Expand(set)
	if err != nil {
		return nil, err
	}
	return runs[0], nil
}

// storedTrace reads the only trace below a directory.
func storedTrace(dir string) (*trace.Trace, error) {
	var found []string
	for _, pattern := range []string{"*/trace.ndjson", "*/*/trace.ndjson", "*/*/*/trace.ndjson"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		found = append(found, paths...)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d traces were stored below %s, want 1", len(found), dir)
	}
	f, err := os.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := trace.Read(f)
	if err != nil || !t.Referring() {
		return t, err
	}
	capture, err := os.Open(filepath.Join(filepath.Dir(found[0]), result.CaptureFile))
	if err != nil {
		return nil, err
	}
	defer capture.Close()
	return t, t.ReadCapture(capture)
}

// timed runs the command and returns how long it took from fork to exit.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return took, fmt.Errorf("running %s: %w\n%s", cmd, err, tail(out.Bytes()))
	}
	return took, nil
}

// busy returns the processor time of a command that has ended and of all children that it waited
// for. On a machine with other load, it is near the wall time on an idle one.
func busy(cmd *exec.Cmd) time.Duration {
	if cmd.ProcessState == nil {
		return 0
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// tail returns the end of a command's output, enough to see what went wrong.
func tail(out []byte) []byte {
	const most = 2000
	return out[max(0, len(out)-most):]
}
