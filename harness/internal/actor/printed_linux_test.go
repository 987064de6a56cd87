package actor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A line that something waits for is reported after it, also if it is one of those that are left out. A
// line without its newline counts when nothing more comes.
func TestLinesThatAreWaitedFor(t *testing.T) {
	watches := lineWatches([]language.EventRef{
		"{log: server.web, contains: up, nth: 2}",
		"{log: server.web, matches: ^up$, stream: stderr}",
		"{log: 'server.web[2]', contains: up}",
		"{log: server.web, contains: late, nth: 3}",
		"{log: server.web, contains: open}",
		"{log: server.web, contains: x, nth: 5}",
		"{log: server.other, contains: up}",
	})
	var got []trace.Event
	for n, write := range []string{
		"!up!\n!up\nup up\nwarm up\n!up\nlate\nlate\n" + strings.Repeat("y\n", 50) + "late\nlate\nopen",
		"x\nup\n" + strings.Repeat("y\n", 50) + strings.Repeat("x\n", 3),
	} {
		p := &printed{
			clock: trace.NewClock(), program: trace.Line{Step: "web", N: n + 1}, watches: watches["web"],
			allowed: &allowance{lines: 3, bytes: 99},
			report:  func(events []trace.Event) { got = append(got, events...) },
		}
		stdout, stderr := p.printer(trace.Stdout), p.printer(trace.Stderr)
		for line := range strings.Lines(write) {
			if rest, ok := strings.CutPrefix(line, "!"); ok {
				stderr.add([]byte(rest))
			} else {
				stdout.add([]byte(line))
			}
		}
		p.finish()
	}
	last := ""
	var happened []string
	for _, e := range got {
		if e.Line != nil {
			last = string(e.Line.Text)
		}
		if e.Watched != nil {
			happened = append(happened, fmt.Sprintf("%s at %q", e.Watched.Event, last))
		}
	}
	want := []string{
		`{log: server.web, contains: up, nth: 2} at "up"`,
		`{log: server.web, matches: ^up$, stream: stderr} at "up"`,
		`{log: server.web, contains: late, nth: 3} at "up up"`, // the lines since then are left out
		`{log: server.web, contains: open} at "up up"`,
		`{log: 'server.web[2]', contains: up} at "up"`,
	}
	if diff := cmp.Diff(want, happened); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// texts returns the lines and cuts among events, one a line.
func texts(events []trace.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch {
		case e.Line != nil && e.Line.Bytes > 0:
			fmt.Fprintf(&b, "%s %q of %d", e.Line.Stream, e.Line.Text[:1], e.Line.Bytes)
		case e.Line != nil:
			fmt.Fprintf(&b, "%s %q", e.Line.Stream, string(e.Line.Text))
		case e.Program != nil:
			fmt.Fprintf(&b, "%s: %d lines, %d bytes", e.Program.What, e.Program.Lines, e.Program.Bytes)
		}
		if e.Line != nil && e.Line.Open {
			b.WriteString(" open")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLinesOfAProgram(t *testing.T) {
	for _, tt := range []struct {
		name string
		// write has what is written to standard output; what begins with ! goes to standard error.
		write []string
		most  *allowance
		want  string
	}{
		{"nothing", nil, &allowance{lines: 9, bytes: 99}, ""},
		{"lines in one piece", []string{"a\nb\n\n"}, &allowance{lines: 9, bytes: 99}, `stdout "a"
stdout "b"
stdout ""
`},
		{"a line in pieces, among those of the other stream", []string{"a", "!x", "b\nc", "!y\n"}, &allowance{lines: 9, bytes: 99}, `stdout "ab"
stderr "xy"
stdout "c" open
`},
		{"a long line", []string{strings.Repeat("x", 5000), "x\ny\n"}, &allowance{lines: 9, bytes: 9999}, `stdout "x" of 5001
stdout "y"
`},
		{"as many lines as are allowed", []string{"a\nb\n"}, &allowance{lines: 2, bytes: 99}, `stdout "a"
stdout "b"
`},
		{"some lines more, which are the last", []string{"a\nb\nc\nd"}, &allowance{lines: 2, bytes: 99}, `stdout "a"
stdout "b"
stdout "c"
stdout "d" open
`},
		{"very many lines", []string{"a\nb\n", strings.Repeat("yy\n", 100) + "z\nw\n", "!last\n"}, &allowance{lines: 2, bytes: 99}, `stdout "a"
stdout "b"
cut: 92 lines, 184 bytes
` + strings.Repeat("stdout \"yy\"\n", 8) + `stdout "z"
stdout "w"
stderr "last"
`},
		{"the last line of one stream before very many of the other", []string{"a\n", "!end\n", strings.Repeat("yy\n", 100)}, &allowance{lines: 1, bytes: 99}, `stdout "a"
cut: 90 lines, 180 bytes
stderr "end"
` + strings.Repeat("stdout \"yy\"\n", 10)},
		{"more bytes than are allowed, and then few", []string{"a\n1234567890\nb\n" + strings.Repeat("c\n", 10)}, &allowance{lines: 99, bytes: 9}, `stdout "a"
cut: 2 lines, 11 bytes
` + strings.Repeat("stdout \"c\"\n", 10)},
		{"a long line among those left out", []string{"a\n", strings.Repeat("x", 5000), "x\n" + strings.Repeat("c\n", 10)}, &allowance{lines: 1, bytes: 99}, `stdout "a"
cut: 1 lines, 5001 bytes
` + strings.Repeat("stdout \"c\"\n", 10)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []trace.Event
			p := &printed{
				clock: trace.NewClock(), allowed: tt.most,
				report: func(events []trace.Event) { got = append(got, events...) },
			}
			stdout, stderr := p.printer(trace.Stdout), p.printer(trace.Stderr)
			for _, text := range tt.write {
				if rest, ok := strings.CutPrefix(text, "!"); ok {
					stderr.add([]byte(rest))
				} else {
					stdout.add([]byte(text))
				}
			}
			p.finish()
			stdout.add([]byte("after the end\n"))
			p.finish()
			if diff := cmp.Diff(tt.want, texts(got)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// The executions of a step share what is allowed, or a repeated step could fill the memory.
func TestExecutionsShareTheAllowance(t *testing.T) {
	p := run(t, language.Step{ID: "exec", Times: 3, Op: language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "seq 1 8000"}}}}})
	p.done()
	lines, cuts := map[int]int{}, map[int]int64{}
	p.each(func(r *Report) {
		for _, e := range r.Lines {
			if e.Line != nil {
				lines[e.Line.N]++
			} else {
				cuts[e.Program.N] = e.Program.Lines
			}
		}
	})
	if diff := cmp.Diff(map[int]int{1: 8000, 2: 2000 + lastLines, 3: lastLines}, lines); diff != "" {
		t.Errorf("lines of each execution (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]int64{2: 6000 - lastLines, 3: 8000 - lastLines}, cuts); diff != "" {
		t.Errorf("lines left out of each execution (-want +got):\n%s", diff)
	}
}

// Flush brings what is in the pipes, with or without a newline, and nothing that comes later.
func TestFlushBringsTheLinesOfRunningPrograms(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "go")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, step("exec", language.Op{Exec: &language.Exec{
		Launch: language.Launch{Command: []string{"sh", "-c", "printf 'Password: ' >&2; echo asked; read x <" + fifo + "; echo later"}},
	}}))
	all := func() []trace.Event {
		var events []trace.Event
		p.each(func(r *Report) { events = append(events, r.Lines...) })
		return events
	}
	p.await("a line", func(r *Report) bool { return len(r.Lines) > 0 })
	p.send(Command{Flush: true})
	p.await("flushed", func(r *Report) bool { return r.Flushed })
	const want = "stdout \"asked\"\nstderr \"Password: \" open\n"
	if diff := cmp.Diff(want, texts(all())); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	if s := p.step("exec"); s.Stdout != "asked\nlater\n" {
		t.Errorf("it wrote %q", s.Stdout)
	}
	if diff := cmp.Diff(want, texts(all())); diff != "" {
		t.Errorf("lines after the flush (-want +got):\n%s", diff)
	}
}

func TestAProgramStartsAndEndsInItsStep(t *testing.T) {
	for _, tt := range []struct {
		name, command string
		exit          int
		killed        string
	}{
		{"exit", "echo a; exit 3", 3, ""},
		{"signal", "echo a; kill -9 $$", 0, "KILL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := run(t, step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", tt.command}}}}))
			p.done()
			var order []string
			var last time.Duration
			p.each(func(r *Report) {
				switch {
				case len(r.Lines) > 0:
					order = append(order, "line")
				case r.Event != nil && r.Event.Program != nil:
					e := r.Event.Program
					order = append(order, string(e.What))
					if e.PID == 0 || e.What == trace.ProgramEnded && (e.Exit != tt.exit || e.Killed != tt.killed) {
						t.Errorf("%+v, want exit %d, killed %q, and a PID", e, tt.exit, tt.killed)
					}
					last = r.Event.T
				case r.Event != nil:
					order = append(order, r.Event.Kind())
					if r.Event.Step != nil && r.Event.T != last {
						t.Errorf("the program ended at %v, its step at %v", last, r.Event.T)
					}
				}
			})
			if diff := cmp.Diff([]string{"start", "started", "line", "ended", "step"}, order); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}
