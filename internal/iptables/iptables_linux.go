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
	protocol := iptables.ProtocolIPv4
	if v6 {
		protocol = iptables.ProtocolIPv6
	}
	t, err := iptables.New(iptables.IPFamily(protocol))
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", Program(v6), err)
	}
	return &Tables{t}, nil
}

var errHangs = errors.New("iptables did not end in time")

// Within calls f, which may change the thread and its namespace, and waits for it for at most
// [Limit]. After that, f goes on, and its program is left to the end of the process.
func Within(f func() error) error { return within(Limit, f) }

func within(limit time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: %s", errHangs, say.Duration(limit))
	}
}

// Hangs reports whether the error is that of a call that [Within] no longer waits for.
func Hangs(err error) bool { return errors.Is(err, errHangs) }

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
