package testlab

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"halfopen/inject"
)

// Supported ends the test if err is not nil. err comes from code of this module, which reports a
// missing capability as an [inject.MissingError]. That skips the test. With HALFOPEN_CI=1 it fails
// the test, as any other error always does.
func Supported(t testing.TB, err error) {
	t.Helper()
	var missing *inject.MissingError
	switch {
	case err == nil:
	case errors.As(err, &missing) && !inCI():
		t.Skip(err) // it names the feature and the remedy
	default:
		t.Fatal(err)
	}
}

// Need is [Supported] for a test that asks the kernel for something itself. what names the
// capability. The test is also skipped if the kernel refused it to this user or has no room for it,
// or if a program is not installed.
func Need(t testing.TB, what string, err error) {
	t.Helper()
	lacks := func(lack error) bool { return errors.Is(err, lack) }
	if !slices.ContainsFunc([]error{
		syscall.EPERM, syscall.EACCES, syscall.ENOSPC, exec.ErrNotFound,
	}, lacks) {
		Supported(t, err)
		return
	}
	if inCI() {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s is not available here: %v", what, err)
}

// inCI reports whether a missing capability fails the tests: nobody looks at skips in CI.
func inCI() bool { return os.Getenv("HALFOPEN_CI") == "1" }

// NeedProgram ends the test, as [Need] does, if a program is not installed, and returns its path.
func NeedProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	Need(t, "the program "+name, err)
	return path
}

// Long skips the test if -short is set. Every helper that makes a namespace, a lab or a virtual
// machine calls it.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short runs the pure tests and one lab")
	}
}
