package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"halfopen/harness/suite"
)

// stored is a directory of stored runs that the command line names.
type stored struct {
	// dir is where its files are. For an archive that is a temporary directory, and top the whole of it.
	dir, top string
	// named is what the command line calls it.
	named string
	// ctx ends with a signal where there is something to remove.
	ctx  context.Context
	stop func()
}

// openStored opens a directory or file of stored runs, or an archive of them: run.tgz is all of it, and
// run.tgz/my/v4 a directory in it. It must be closed. Until then, SIGINT and SIGTERM end only
// the context of an archive.
func openStored(ctx context.Context, named string) (*stored, error) {
	archive, below := named, ""
	for at := filepath.Clean(named); at != "." && at != "/"; at = filepath.Dir(at) {
		if info, err := os.Stat(at); suite.IsArchive(at) && err == nil && info.Mode().IsRegular() {
			archive, below = at, strings.TrimPrefix(filepath.Clean(named), at)
			break
		}
	}
	if info, err := os.Stat(archive); err != nil || !info.Mode().IsRegular() || !suite.IsArchive(archive) {
		return &stored{dir: named, named: named, ctx: ctx, stop: func() {}}, nil
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	top, err := suite.Unpack(ctx, archive)
	if err != nil {
		defer stop()
		return nil, readingError(ctx, err)
	}
	return &stored{dir: filepath.Join(top, below), top: top, named: named, ctx: ctx, stop: stop}, nil
}

// close removes what an archive was unpacked to.
func (s *stored) close() {
	if s.top != "" {
		_ = os.RemoveAll(s.top)
	}
	s.stop()
}

// name returns the path of a file or directory below it as the command line would call it.
func (s *stored) name(path string) string {
	if rest, ok := strings.CutPrefix(path, s.dir); ok && s.top != "" {
		return filepath.Clean(s.named) + rest
	}
	return path
}

// readingError is the error of a command for one of reading stored runs.
func readingError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &statusError{statusCanceled, errors.New("interrupted")}
	}
	return &statusError{statusUsage, err}
}
