//go:build !linux

package vm

import (
	"context"
	"io"
	"runtime"

	"halfopen/internal/kernel"
)

// Virtual machines could run elsewhere, but what makes them uses Linux's own means: memory files,
// reflinks, a child that dies with its parent.
func needsLinux() error { return kernel.CheckSystem(runtime.GOOS, "runs in a virtual machine") }

// Main returns: no process of another system is the init of a guest.
func Main() {}

// Do ends each task with the error that it returns, a *inject.MissingError.
func Do(_ context.Context, tasks []Task, _ Options) error {
	err := needsLinux()
	for i := range tasks {
		tasks[i].Ended(nil, err)
	}
	return err
}

// FindEmulator returns a *inject.MissingError.
func FindEmulator() (string, error) { return "", needsLinux() }

// Available returns a *inject.MissingError.
func Available(context.Context) ([]string, error) { return nil, needsLinux() }

// Fetch returns a *inject.MissingError.
func Fetch(context.Context, string, io.Writer) (Kernel, error) { return Kernel{}, needsLinux() }
