package main

import (
	"context"
	"errors"
	"testing"
)

func TestReadingThatIsInterrupted(t *testing.T) {
	wrong := errors.New("the file is truncated")
	ctx, cancel := context.WithCancel(t.Context())
	if err := readingError(ctx, wrong); statusOf(err) != statusUsage || err.Error() != wrong.Error() {
		t.Errorf("status %d, %v", statusOf(err), err)
	}
	cancel()
	if err := readingError(ctx, wrong); statusOf(err) != statusCanceled || err.Error() != "interrupted" {
		t.Errorf("status %d, %v", statusOf(err), err)
	}
}
