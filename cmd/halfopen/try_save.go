package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/pattern"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// checkSave refuses, before anything is run, a file to save to that is there, or that would not be run
// as this was.
func checkSave(path string) error {
	if path == "" {
		return nil
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	_, stat := os.Lstat(path)
	switch {
	case stat == nil:
		return usagef("--save %s: the file is there already, and is left as it is", path)
	case dir != here:
		return usagef("--save %s: want a file in this directory: the programs of a scenario run in that of its file", path)
	case !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)):
		return usagef("--save %s: want a name that ends in .yaml", path)
	case !scenarioName.MatchString(nameOf(path)):
		return usagef("--save %s: want a name of lower-case letters, digits and -, such as my.yaml", path)
	}
	return nil
}

// scenarioName matches names of scenarios, see the key name in the language.
var scenarioName = pattern.New(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// nameOf returns the name of the scenario in a file.
func nameOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// saveTo writes the attempt with what was seen to a new file. Each expectation is judged against the
// run first: one that it does not meet is left out.
func (a *attempt) saveTo(path string, tried *report.Tried, r *result.Result) error {
	if r.Status == result.Canceled || !tried.Started {
		return fmt.Errorf("--save %s: nothing was saved, because the client did not end by itself; --timeout ends it", path)
	}
	seen := a.seen(tried, r)
	for {
		src, err := a.yaml(nameOf(path), seen)
		if err != nil {
			return err
		}
		scenario, err := a.read(nameOf(path), src)
		if err != nil {
			return fmt.Errorf("--save %s: %w", path, err)
		}
		judged := result.Result{Run: result.Run{Scenario: scenario, Seed: r.Seed}, Trace: r.Trace}
		judged.Judge()
		i := slices.IndexFunc(judged.Verdicts, func(v assertions.Verdict) bool {
			return v.Index >= 0 && v.Status != assertions.Pass
		})
		if i < 0 {
			return writeNew(path, src)
		}
		seen = slices.Delete(seen, judged.Verdicts[i].Index, judged.Verdicts[i].Index+1)
		if len(seen) == 0 {
			seen = nil
		}
	}
}

// seen returns what was seen as expectations.
func (a *attempt) seen(tried *report.Tried, r *result.Result) []*yaml.Node {
	client := inline(mapping("process", scalar(string(clientStep))))
	if tried.Killed != "" {
		add(client, "signal", scalar(tried.Killed))
	} else {
		add(client, "exit", scalar(strconv.Itoa(tried.Exit)))
	}
	if tried.Took >= clearTime {
		add(client, "took", scalar(about(tried.Took)))
	}
	all := []*yaml.Node{client}
	if tried.TimedOut {
		all = append(all, inline(mapping("step", scalar(string(clientStep)), "error", scalar("ETIMEDOUT"))))
	}
	struck := report.Struck(r.Trace)
	for i := range r.Scenario.Faults {
		f := &r.Scenario.Faults[i]
		all = append(all, inline(mapping("fault", scalar(f.Name), "hits", hitsOf(f, struck[f.Name]))))
	}
	all[0].HeadComment = "What was seen when this file was written. Change it to what should be."
	return all
}

// clearTime is the time from which the duration of a client says something about the network: below it,
// the machine may have taken most of it.
const clearTime = time.Second

// about returns a range around a duration, from a quarter less to twice as long: a busy machine takes
// longer, a client that has run before is faster.
func about(d time.Duration) string {
	unit := 10 * time.Millisecond
	if d > 10*time.Second {
		unit = time.Second
	}
	return fmt.Sprintf("%v..%v", (d * 3 / 4).Truncate(unit), (d*2).Truncate(unit)+unit)
}

// hitsOf returns how often a fault that struck n times must strike: never if n is 0, the fixed most that
// it can if n is that, and else at least once.
func hitsOf(f *language.Fault, n uint64) *yaml.Node {
	most := 0
	switch {
	case f.Chance != nil:
		return textual(">= 0")
	case len(f.Nth) > 0:
		most = len(f.Nth)
	case f.First > 0:
		most = f.First / max(f.Every, 1)
	}
	if n == 0 || n == uint64(most) {
		return scalar(strconv.FormatUint(n, 10))
	}
	return textual(">= 1")
}

// writeNew writes a file that is not there yet.
func writeNew(path string, src []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("--save %s: somebody else has made the file meanwhile; it is left as it is", path)
	}
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	_, err = file.Write(src)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(path) // a part of a scenario is none
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}
