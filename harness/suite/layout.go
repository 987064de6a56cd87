package suite

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"

	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// layout says in which directory each run is stored, relative to [Options.Dir]:
//
//	SCENARIO/[CASE/]FAMILY[/KERNEL][/without_SETTING][/N]
//
// CASE is there if the scenario has cases, KERNEL if [Options.Kernels] or [Options.Warp] asks for one,
// N if [Options.Repeat] does. The directory of a run does not depend on the other runs, with one
// exception: if several files of the suite have scenarios of one name, SCENARIO is NAME@FILE in each of
// them; see [Options.Shared].
type layout struct {
	// shared are the names of scenarios that several files have.
	shared map[string]bool
	// kernels is set if each run is on a kernel that was asked for.
	kernels bool
}

func newLayout(o *Options, runs []Run) *layout {
	l := &layout{shared: o.Shared, kernels: o.Warp || len(o.Kernels) > 0}
	if l.shared == nil {
		var all []*language.Scenario
		for i := range runs {
			all = append(all, runs[i].Scenario)
		}
		l.shared = report.SharedNames(all)
	}
	return l
}

// dirOf returns the directory of a run, or of all its repetitions.
func (l *layout) dirOf(r *Run) string {
	s := r.Scenario
	name := s.Name
	if l.shared[name] {
		name += "@" + strings.TrimSuffix(s.Pos.File, filepath.Ext(s.Pos.File))
	}
	parts := []string{fileName(name)}
	if s.Case != "" {
		parts = append(parts, fileName(s.Case))
	}
	parts = append(parts, fileName(cmp.Or(string(s.Family), string(language.V4))))
	if l.kernels {
		parts = append(parts, fileName(kernelName(&r.Place)))
	}
	if s.Without != nil {
		parts = append(parts, fileName("without_"+strings.ReplaceAll(s.Without.String(), " ", "_")))
	}
	return filepath.Join(parts...)
}

// kernelName names the kernel of a place among those of a suite: its version, or [Running]. A kernel
// that was given by its path, and that its version does not find, has the hash of the path, too.
func kernelName(at *Place) string {
	if at.Image == "" {
		return at.KernelName()
	}
	return at.KernelName() + "-" + shortHash(at.Image)
}

// numbered is the directory of the repetition n.
func numbered(dir string, n int) string {
	if n == 0 {
		return dir
	}
	return filepath.Join(dir, strconv.Itoa(n))
}

// fileName turns a label, such as "retries=3" or "rtt=50ms loss=0.1", into the name of a file, which a
// shell takes without quotes: "rtt=50ms,loss=0.1". A label with other characters has its hash, too, so
// that different labels have different names.
func fileName(label string) string {
	clean, lossy := cleaned(label)
	if strings.Trim(clean, ".") == "" {
		clean, lossy = "_"+clean, true
	}
	const most = 120
	if len(clean) > most {
		clean, lossy = clean[:most], true
	}
	if lossy {
		clean += "-" + shortHash(label)
	}
	return clean
}

// cleaned replaces the characters of a label that the name of a file does not have. lossy is set if
// another label could become the same.
func cleaned(label string) (clean string, lossy bool) {
	clean = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=.+_-@", r):
			return r
		case r == ' ':
			return ','
		}
		lossy = true
		return '_'
	}, label)
	return clean, lossy
}

// shortHash tells a few texts apart, in 8 characters.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
