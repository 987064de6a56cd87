package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/harness/suite/result"
)

// terminal returns a new pseudoterminal, and its other end, which reads what is written to it.
func terminal(t *testing.T) (tty, behind *os.File) {
	t.Helper()
	behind, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { behind.Close() })
	if err := unix.IoctlSetPointerInt(int(behind.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(behind.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, behind
}

// A terminal that cannot move its cursor, such as that of an editor, gets lines and nothing else.
func TestADumbTerminalGetsNoEscapeSequences(t *testing.T) {
	for name, escapes := range map[string]bool{"xterm": true, "dumb": false} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TERM", name)
			t.Setenv("NO_COLOR", "")
			tty, behind := terminal(t)
			r := passing(t)
			v := newPretty(Output{Out: tty, Errs: tty, Runs: 1})
			v.Begin(&r.Run)
			v.End(r)
			if err := v.Close([]result.Result{*r}, Ending{Seed: 7}); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(tty, "the end")
			var got bytes.Buffer
			for !strings.Contains(got.String(), "the end") {
				part := make([]byte, 4096)
				n, err := behind.Read(part)
				if err != nil {
					t.Fatal(err)
				}
				got.Write(part[:n])
			}
			if strings.Contains(got.String(), "\x1b") != escapes || !strings.Contains(got.String(), "1 passed") {
				t.Errorf("escape sequences are wanted: %t; got %q", escapes, got.String())
			}
		})
	}
}
