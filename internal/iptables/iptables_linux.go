package iptables

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/coreos/go-iptables/iptables"

	"halfopen/internal/say"
)

// Limit is how long a call of [Within] may take. A run of iptables usually takes some 5 ms.
const Limit = 20 * time.Second

// Tables are the tables of one IP version in the network namespace of the calling thread.
type Tables struct{ *iptables.IPTables }

// Program returns the name of the program for an IP version.
func Program(v6 bool) string {
	if v6 {
		return "ip6tables"
	}
	return "iptables"
}

// New finds the program of an IP version and asks for its version. The error of a program that is
// not installed is [exec.ErrNotFound].
func New(v6 bool) (*Tables, error) {
	path, err := exec.LookPath(Program(v6))
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", Program(v6), err)
	}
	protocol := iptables.ProtocolIPv4
	if v6 {
		protocol = iptables.ProtocolIPv6
	}
	t, err := iptables.New(iptables.IPFamily(protocol), iptables.Path(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Tables{t}, nil
}

// hangError says that a program did not end in time.
type hangError struct {
	program string
	limit   time.Duration
}

func (e *hangError) Error() string {
	return fmt.Sprintf("%s did not end within %s; run it by hand to see why, or take it out of PATH",
		e.program, say.Duration(e.limit))
}

// Within calls f, which runs the program of an IP version, and waits for it for at most [Limit]. f
// may change the thread and its namespace. After the limit, f goes on, and its program is left to the
// end of the process, which must be PID 1 of its namespace.
func Within(v6 bool, f func() error) error { return within(Limit, v6, f) }

func within(limit time.Duration, v6 bool, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		late := &hangError{Program(v6), limit}
		if path, err := exec.LookPath(late.program); err == nil {
			late.program = path
		}
		return late
	}
}

// Hangs reports whether the error is that of a call that [Within] no longer waits for.
func Hangs(err error) bool {
	var late *hangError
	return errors.As(err, &late)
}

// Failed returns the reason in an error of a program that ran and failed, in one line; ok is false
// for any other error.
func Failed(err error) (reason error, ok bool) {
	var failed *iptables.Error
	if !errors.As(err, &failed) {
		return nil, false
	}
	// The command comes first, in brackets, and then the exit status and the program's own lines.
	_, text, _ := strings.Cut(failed.Error(), "]: ")
	status, words, _ := strings.Cut(text, ": ")
	line, _, _ := strings.Cut(strings.TrimSpace(words), "\n")
	if line == "" {
		line = status
	}
	return errors.New(line), true
}

// Missing reports whether the error of [New] says that the program is not installed.
func Missing(err error) bool { return errors.Is(err, exec.ErrNotFound) }
