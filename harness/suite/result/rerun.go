package result

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Long is the estimated time from which a run is long: it takes place in real time only on request.
const Long = 20 * time.Second

// StandardInput is the name of the file of a scenario that came from the standard input.
const StandardInput = "-"

// Conditions are the options of a suite that change how a run goes.
type Conditions struct {
	// Kernels is set if kernels were asked for, [Running] perhaps among them.
	Kernels                 bool
	NoRepeat, NoTracepoints bool
	// NoConfig leaves halfopen.yaml alone: it may have another kernel, and the directory of the suite.
	NoConfig bool
	// Writable are the folders of the machine that programs may write to.
	Writable []string
}

// Rerun returns the command that repeats a run, as a line for a POSIX shell in the directory in which it
// was begun: "halfopen run syn-retry-backoff --case retries=3 --seed 7". It is "" for a scenario that a
// Go program made. One that came from the standard input needs the same input. A control is repeated
// with its case, and all controls of that.
func Rerun(r *Run, c Conditions) string {
	s := r.Scenario
	named := argumentFor(s)
	if named == "" {
		return ""
	}
	args := []string{"halfopen", "run", named}
	if s.Case != "" {
		args = append(args, "--case", s.Case)
	}
	if len(s.IP) > 1 {
		args = append(args, "--case", string(s.Family))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		args = append(args, "--set", name+"="+s.Set[name])
	}
	args = append(args, "--seed", strconv.FormatUint(r.Seed, 10))
	if r.Place.Virtual() {
		args = append(args, "--kernel", cmp.Or(r.Place.Image, r.Place.Kernel))
	} else if c.Kernels {
		args = append(args, "--kernel", Running)
	}
	if r.Place.Warp {
		args = append(args, "--warp")
	} else if s.Estimate() >= Long {
		args = append(args, "--long")
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"--control", s.Without != nil}, {"--no-repeat", c.NoRepeat}, {"--no-tracepoints", c.NoTracepoints}, {"--no-config", c.NoConfig}} {
		if f.set {
			args = append(args, f.name)
		}
	}
	if s.RunsPrograms() {
		for _, dir := range c.Writable {
			args = append(args, "--writable", dir)
		}
	}
	return say.ShellLine(args...)
}

// argumentFor is the argument of halfopen run that names a scenario; "" if there is none.
func argumentFor(s *language.Scenario) string {
	file := s.Pos.File
	switch {
	case file == "":
		return ""
	case s.Dir == "" && !strings.HasSuffix(file, "/"+s.Name+".yaml"):
		return "" // a text that a Go program has
	case s.Dir == "":
		return s.Name // of the library
	case strings.HasPrefix(file, "-") && file != StandardInput:
		return "./" + file
	}
	return file
}
