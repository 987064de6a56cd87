// Package iptables changes and reads rules of netfilter with the programs iptables and ip6tables. No
// call takes longer than [Limit].
package iptables

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"halfopen/internal/program"
)

// Limit is how long one run of a program may take. It usually takes some 5 ms.
const Limit = 20 * time.Second

// Tables are the tables of one IP version in the network namespace of the calling thread.
type Tables struct {
	path string
	// limit is Limit, but in tests.
	limit time.Duration
}

// Program returns the name of the program for an IP version.
func Program(v6 bool) string {
	if v6 {
		return "ip6tables"
	}
	return "iptables"
}

// New finds the program of an IP version. The error of a program that is not installed is
// [exec.ErrNotFound].
func New(v6 bool) (*Tables, error) {
	path, err := exec.LookPath(Program(v6))
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", Program(v6), err)
	}
	return &Tables{path: path, limit: Limit}, nil
}

// run runs the program. It waits for the lock of another one, and the first line of its standard
// error says what is wrong.
func (t *Tables) run(args ...string) (stdout string, err error) {
	out, err := program.Program{
		Name: t.path, Args: append([]string{"--wait"}, args...), Limit: t.limit,
	}.Run(context.Background())
	var failed *program.Error
	if errors.As(err, &failed) {
		failed.Stderr, _, _ = strings.Cut(failed.Stderr, "\n")
	}
	return string(out), err
}

// does runs the program only for its effect.
func (t *Tables) does(args ...string) error {
	_, err := t.run(args...)
	return err
}

// has runs a question of the program, which answers no by exit status 1.
func (t *Tables) has(args ...string) (bool, error) {
	_, err := t.run(args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// Failed returns the reason in an error of a program that ran and failed by itself; ok is false for
// any other error, such as one of a program that hangs.
func Failed(err error) (reason error, ok bool) {
	var failed *program.Error
	var exit *exec.ExitError
	if !errors.As(err, &failed) || failed.Late || !errors.As(failed.Err, &exit) {
		return nil, false
	}
	if failed.Stderr == "" {
		return exit, true
	}
	return errors.New(failed.Stderr), true
}

// Hangs reports whether the error says that a program did not end in time.
func Hangs(err error) bool {
	var failed *program.Error
	return errors.As(err, &failed) && failed.Late
}

// Append adds a rule to the end of a chain.
func (t *Tables) Append(table, chain string, rule ...string) error {
	return t.does(slices.Concat([]string{"-t", table, "-A", chain}, rule)...)
}

// Delete removes a rule from a chain.
func (t *Tables) Delete(table, chain string, rule ...string) error {
	return t.does(slices.Concat([]string{"-t", table, "-D", chain}, rule)...)
}

// DeleteIfExists removes a rule from a chain that may have it.
func (t *Tables) DeleteIfExists(table, chain string, rule ...string) error {
	there, err := t.has(slices.Concat([]string{"-t", table, "-C", chain}, rule)...)
	if err != nil || !there {
		return err
	}
	return t.Delete(table, chain, rule...)
}

// NewChain adds an empty chain.
func (t *Tables) NewChain(table, chain string) error { return t.does("-t", table, "-N", chain) }

// ClearAndDeleteChain removes a chain, if there is one, with its rules.
func (t *Tables) ClearAndDeleteChain(table, chain string) error {
	there, err := t.has("-t", table, "-S", chain, "1")
	if err != nil || !there {
		return err
	}
	if err := t.does("-t", table, "-F", chain); err != nil {
		return err
	}
	return t.does("-t", table, "-X", chain)
}

// ListWithCounters returns the lines of iptables -v -S: the chain, and then its rules with their
// counters of packets and bytes.
func (t *Tables) ListWithCounters(table, chain string) ([]string, error) {
	out, err := t.run("-t", table, "-v", "-S", chain)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n"), nil
}
