//go:build !linux

package harness

import (
	"context"
	"runtime"

	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// trySysctls returns an *inject.MissingError: only Linux has namespaces.
func trySysctls(context.Context, [][]language.Sysctl) ([][]error, error) {
	return nil, kernel.CheckSystem(runtime.GOOS, "trying sysctls")
}
