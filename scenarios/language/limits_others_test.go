//go:build !linux

package language

import (
	"testing"
	"time"
)

var began = time.Now()

// spent returns the time since the tests began.
func spent(*testing.T) time.Duration { return time.Since(began) }
