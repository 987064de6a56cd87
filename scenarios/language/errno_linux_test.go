package language

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The package unix is generated from the kernel's headers.
func TestErrnosAreThoseOfTheKernel(t *testing.T) {
	for n, name := range linuxErrnos {
		if want := unix.ErrnoName(syscall.Errno(n)); name != want {
			t.Errorf("error %d is %q, want %q", n, name, want)
		}
	}
	if last := linuxErrnos[len(linuxErrnos)-1]; last != "EHWPOISON" {
		t.Errorf("the last error is %s, want EHWPOISON", last)
	}
}

func TestErrnoAliasesAreThoseOfTheKernel(t *testing.T) {
	for alias, want := range map[string]error{
		"EWOULDBLOCK": unix.EWOULDBLOCK, "EOPNOTSUPP": unix.EOPNOTSUPP, "EDEADLOCK": unix.EDEADLOCK,
	} {
		var errno syscall.Errno
		if !errors.As(want, &errno) || errnoAliases[alias] != linuxErrnos[errno] {
			t.Errorf("%s stands for %q, want %s", alias, errnoAliases[alias], linuxErrnos[errno])
		}
	}
	if len(errnoAliases) != 3 {
		t.Errorf("%d aliases, and 3 are tested", len(errnoAliases))
	}
}

func TestSignalsAreThoseOfTheKernel(t *testing.T) {
	for n, name := range linuxSignals {
		if want := strings.TrimPrefix(unix.SignalName(syscall.Signal(n)), "SIG"); name != want {
			t.Errorf("signal %d is %q, want %q", n, name, want)
		}
	}
	if last := linuxSignals[len(linuxSignals)-1]; last != "SYS" {
		t.Errorf("the last signal is %s, want SYS", last)
	}
}
