package actor

import (
	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func (t *thread) limit(_ *language.Step, op *language.Limit, o *outcome) {
	o.call(func() (int, error) { return 0, limitFiles(op.Nofile) })
}

// limitFiles sets the soft limit of open files. The hard limit stays, so that a later step can
// raise the soft one again.
func limitFiles(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = uint64(n)
	// Not unix.Prlimit with a pid: only this call also makes the Go runtime start programs with the
	// limit.
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}
