//go:build !linux

package harness

import (
	"context"
	"runtime"

	"halfopen/harness/trace"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// Main returns: no process of another system is a lab or an actor.
func Main() {}

// Prepare does nothing: there are no labs.
func Prepare() {}

// Run returns a *inject.MissingError: a lab needs Linux.
func Run(context.Context, *language.Scenario, Options) (*trace.Trace, error) {
	return nil, kernel.CheckSystem(runtime.GOOS, "every lab")
}
