package actor

import (
	"errors"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/sandbox"
	"halfopen/scenarios/language"
)

func (t *thread) limit(_ *language.Step, op *language.Limit, o *outcome) {
	if op.Nofile != 0 && !o.call(func() (int, error) { return 0, limitFiles(op.Nofile) }) {
		return
	}
	if op.Processes != 0 {
		o.call(func() (int, error) { return 0, t.limitProcesses(op.Processes) })
	}
}

// limitProcesses sets the limit of the programs that this actor starts from now on. Where the kernel
// does not apply such a limit, it bounds all processes of the lab.
func (s *session) limitProcesses(n int) error {
	s.programs.Lock()
	s.processes = n
	s.programs.Unlock()
	if limited, err := sandbox.IsLimited(); err != nil || limited {
		return err
	}
	return sandbox.BoundProcesses(s.bound, n)
}

// startLimited starts a program with the limit of processes. The actor itself has it only meanwhile:
// a lab whose programs have used it up must be able to make threads.
func (s *session) startLimited(start func() error) error {
	s.programs.Lock()
	defer s.programs.Unlock()
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &own); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: min(uint64(s.processes), own.Max), Max: own.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		return err
	}
	err := start()
	return errors.Join(err, unix.Setrlimit(unix.RLIMIT_NPROC, &own))
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
