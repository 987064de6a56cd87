package suite

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/wholefile"
	"halfopen/scenarios/language"
)

// The verdict of an older run must not pass for that of a run which could not be stored in full.
func TestAnOldVerdictDoesNotOutliveItsTrace(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, result.VerdictFile)
	if err := os.WriteFile(old, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A directory in place of the trace makes the write fail.
	if err := os.MkdirAll(filepath.Join(dir, result.TraceFile, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := &Result{
		Run:   Run{Scenario: &language.Scenario{Name: "a"}},
		Trace: trace.Of([]trace.Event{{End: &trace.End{Reason: trace.EndDone}}}...),
	}
	if err := save(r, dir, dir); err == nil {
		t.Fatal("a trace was written over a directory")
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the old verdict is still there: %v", err)
	}
}

func TestStoredFilesThatDoNotBelongTogetherAreFound(t *testing.T) {
	const was, is = `"kernel":"6.1"`, `"kernel":"6.6"`
	edit := func(file, old, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, file)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(content), old, text, 1)
			if changed == string(content) {
				t.Fatalf("%s has no %s", file, old)
			}
			if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	both := func(fs ...func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, f := range fs {
				f(t, dir)
			}
		}
	}
	verdict := func(change func(keys map[string]any)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, result.VerdictFile)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var keys map[string]any
			if err := json.Unmarshal(content, &keys); err != nil {
				t.Fatal(err)
			}
			change(keys)
			if content, err = json.Marshal(keys); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	noHash := verdict(func(keys map[string]any) {
		for _, key := range []string{"version", "trace_sha256", "scenario_sha256"} {
			if keys[key] == nil {
				t.Errorf("verdict.json has no %s", key)
			}
			delete(keys, key)
		}
	})
	remove := func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, result.VerdictFile)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*testing.T, string)
		// conflict and note are the beginnings of what is said; "" if nothing is.
		conflict, note string
	}{
		{"as it was stored", func(*testing.T, string) {}, "", ""},
		{"an event that was changed", edit(result.TraceFile, was, is), "trace.ndjson is not the one that was judged: it was changed, or is of another run; its SHA-256 is ", ""},
		{"a scenario that was changed", edit(result.TraceFile, `"error":"ETIMEDOUT"`, `"error":"EPIPE"`), "the scenario in trace.ndjson is not the one that was judged", ""},
		{"the trace of another seed", edit(result.TraceFile, `"seed":7`, `"seed":8`), "verdict.json is of another run: of a n=1 v4, seed 7; the trace is of a n=1 v4, seed 8", ""},
		{"the trace of another case", edit(result.TraceFile, `"case":"n=1"`, `"case":"n=2"`), "verdict.json is of another run: of a n=1 v4, seed 7; the trace is of a n=2 v4, seed 7", ""},
		{"a verdict that was changed", edit(result.VerdictFile, `"status": "fail",`+"\n"+`  "c`, `"status": "pass",`+"\n"+`  "c`), `judged again, the run is fail; verdict.json, by version `, ""},
		{"a check that was changed", edit(result.VerdictFile, `"status": "fail",`+"\n"+`      "code"`, `"status": "pass",`+"\n"+`      "code"`), `judged again, "client.connect: ETIMEDOUT" is fail; verdict.json, by version `, ""},
		{"a check that another version added", edit(result.VerdictFile, `"verdicts": [`, `"verdicts": [{},`), "", "judged again, there are 2 checks; verdict.json, by version "},
		{"a verdict that is no JSON", edit(result.VerdictFile, "{", "["), "verdict.json cannot be read: ", ""},
		{"a verdict before 64 GiB of nothing", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, result.VerdictFile), 64<<30); err != nil {
				t.Fatal(err)
			}
		}, "verdict.json cannot be read: it goes on after the verdict", ""},
		{"a packet that was changed", edit(result.CaptureFile, "a frame", "a Frame"), "capture.pcapng is not the one that was judged: it was changed; its SHA-256 is ", ""},
		{"no verdict", remove, "", "there is no verdict.json: the run was not stored in full"},
		{"an earlier version's run", noHash, "", "verdict.json has no hash of its trace, because an earlier version stored it"},
		{"a seed that is a number, as in those of earlier versions", verdict(func(keys map[string]any) {
			if keys["seed"] != "7" {
				t.Errorf("the seed is %v", keys["seed"])
			}
			keys["seed"] = 7
		}), "", ""},
		{"a seed that is no number", verdict(func(keys map[string]any) { keys["seed"] = "seven" }), "verdict.json cannot be read: ", ""},
		{"an earlier version's run with another seed", both(noHash, edit(result.TraceFile, `"seed":7`, `"seed":8`)), "verdict.json is of another run: ", ""},
		{"a run that broke off", verdict(func(keys map[string]any) {
			keys["status"], keys["error"], keys["verdicts"] = "error", "the lab died", []any{}
		}), "", "the run was not judged when it was stored: the lab died"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &language.Scenario{
				Name: "a", Case: "n=1", Family: language.V4, Teaches: "a < b",
				Expect: []language.Expectation{{Step: &language.StepExpectation{Step: "client.connect", Error: "ETIMEDOUT"}}},
			}
			source, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			r := &Result{
				Run: Run{Scenario: s, Seed: 7},
				Trace: trace.Of([]trace.Event{
					{Run: &trace.Run{Scenario: "a", Case: "n=1", Family: "v4", Seed: 7, Kernel: "6.1", Source: source}},
					{Step: &trace.Step{Actor: "client", ID: "connect", N: 1, Errno: "ECONNREFUSED"}},
					{Packet: &trace.Packet{LinkEnd: &trace.LinkEnd{Host: "client", Device: "eth0"}, Out: true, Frame: []byte("a frame"), Length: 60}},
					{End: &trace.End{Reason: trace.EndDone}},
				}...),
			}
			r.Judge()
			dir := t.TempDir()
			if err := save(r, dir, dir); err != nil {
				t.Fatal(err)
			}
			tt.change(t, dir)
			again, err := result.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, got []string, want string) {
				if len(got) == 0 && want == "" || len(got) == 1 && want != "" && strings.HasPrefix(got[0], want) {
					return
				}
				t.Errorf("%s %q, want %q", what, got, want)
			}
			check("conflicts", again.Evidence.Conflicts, tt.conflict)
			check("notes", again.Evidence.Notes, tt.note)
		})
	}
}

// What an earlier version stored has the frames in the trace, and needs no capture.
func TestTracesOfEarlierVersionsNeedNoCapture(t *testing.T) {
	s := &language.Scenario{
		Name: "a", Family: language.V4,
		Expect: []language.Expectation{{Packets: &language.PacketsExpectation{None: true}}},
	}
	source, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	store := func(frame []byte) string {
		r := &Result{Run: Run{Scenario: s}, Trace: trace.Of([]trace.Event{
			{Run: &trace.Run{Scenario: "a", Family: "v4", Source: source}},
			{T: 5, Packet: &trace.Packet{LinkEnd: &trace.LinkEnd{Host: "client", Device: "eth0"}, Out: true, Frame: frame, Length: 60}},
			{T: 6, End: &trace.End{Reason: trace.EndDone}},
		}...)}
		dir := t.TempDir()
		r.Judge()
		if err := save(r, dir, dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for _, tt := range []struct {
		name   string
		change func(dir string) error
		err    string
	}{
		{"as it is stored now", func(string) error { return nil }, ""},
		{"as earlier versions did", func(dir string) error {
			path := filepath.Join(dir, result.TraceFile)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			const old = `"packet":{"host":"client","device":"eth0","out":true,"frame":"AQID","length":60`
			now := strings.Replace(string(text), `"packet":{"number":1,"host":"client","device":"eth0","out":true,"length":60`, old, 1)
			if !strings.Contains(now, old) {
				t.Errorf("the trace refers to its packet in another way:\n%s", text)
			}
			return errors.Join(os.WriteFile(path, []byte(now), 0o644), os.Remove(filepath.Join(dir, result.CaptureFile)))
		}, ""},
		{"without the capture", func(dir string) error { return os.Remove(filepath.Join(dir, result.CaptureFile)) }, "reading the packets in capture.pcapng: "},
		{"with the capture of another run", func(dir string) error {
			other, err := os.ReadFile(filepath.Join(store([]byte{1, 2, 3, 4, 5, 6}), result.CaptureFile))
			if err != nil {
				return err
			}
			text := string(other[:len(other)-60]) // it lacks its only packet
			return os.WriteFile(filepath.Join(dir, result.CaptureFile), []byte(text), 0o644)
		}, "reading the packets in capture.pcapng: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := store([]byte{1, 2, 3})
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			r, err := result.Load(dir)
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want it to begin with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p := r.Trace.Events[1].Packet()
			if p.Host != "client" || p.Device != "eth0" || !p.Out || p.Length != 60 || string(p.Frame) != "\x01\x02\x03" {
				t.Errorf("the packet is %+v", p)
			}
		})
	}
}

func TestWriteFileIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "verdict.json")
	if err := wholefile.Write(path, 0o644, func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk full")
	err := wholefile.Write(path, 0o644, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of the n")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "old" {
		t.Errorf("the file has %q, %v after a failed write, want the old content", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v, want the one file", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file has mode %v, %v, want 0644", info.Mode(), err)
	}
}

func TestAStoredRunIsLoadedAsItWas(t *testing.T) {
	s := &language.Scenario{
		Name: "a", Case: "n=1", Family: language.V4, Dir: "/home/me", Pos: language.Pos{File: "a.yaml", Line: 1},
		Set:    map[string]string{"n": "1"},
		Expect: []language.Expectation{{Packets: &language.PacketsExpectation{None: true}}},
	}
	source, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	r := &Result{
		Run: Run{Scenario: s, Index: 12, N: 3, Seed: 1<<64 - 1, Place: Place{Kernel: "6.1.0", Image: "/boot/x", Warp: true}},
		Trace: trace.Of([]trace.Event{
			{Run: &trace.Run{Scenario: "a", Case: "n=1", Family: "v4", Seed: 1<<64 - 1, Source: source, Dir: s.Dir}},
			{Start: &trace.Start{}},
			{Program: &trace.Program{Actor: "client", Step: "exec", N: 1, What: trace.ProgramStarted, PID: 2, Command: []string{"false"}}},
			{T: 5e9, Program: &trace.Program{Actor: "client", Step: "exec", N: 1, What: trace.ProgramEnded, PID: 2, Exit: 1}},
			{T: 7200e9, End: &trace.End{Reason: trace.EndDone}},
		}...),
		Started: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Took: 1500 * time.Millisecond,
		Attempts: []result.Attempt{{Because: "the machine was 20ms late", Late: 20 * time.Millisecond, Checks: []string{"x"}}},
		Once:     "because",
	}
	r.Facts = result.FactsOf(r.Trace)
	r.Judge()
	dir := t.TempDir()
	if err := save(r, dir, dir); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(text string) string
		want   Run
		took   time.Duration
	}{
		{"with its verdict", func(text string) string { return text }, r.Run, r.Took},
		{
			"with the verdict of another run", func(text string) string { return strings.Replace(text, `"case": "n=1"`, `"case": "n=2"`, 1) },
			Run{Scenario: s, Seed: r.Seed},
			7200 * time.Second,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, result.VerdictFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tt.change(string(text))), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := result.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.Run); d != "" || got.Took != tt.took {
				t.Errorf("it took %s, want %s; (-want +got):\n%s", got.Took, tt.took, d)
			}
			if d := cmp.Diff(r.Facts, got.Facts); d != "" {
				t.Errorf("facts (-want +got):\n%s", d)
			}
			if tt.took != r.Took {
				return
			}
			if d := cmp.Diff(r.Attempts, got.Attempts); d != "" || got.Once != r.Once || !got.Started.Equal(r.Started) || got.Evidence.Status != r.Status {
				t.Errorf("%q, began %s, was %q; attempts (-want +got):\n%s", got.Once, got.Started, got.Evidence.Status, d)
			}
			const again = "halfopen run a.yaml --case n=1 --set n=1 --seed 18446744073709551615 --kernel /boot/x --warp"
			if got.Rerun != again {
				t.Errorf("again: %s\nwant: %s", got.Rerun, again)
			}
		})
	}
}
