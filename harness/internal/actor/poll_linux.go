package actor

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// pollEvents are the events of poll(2) in the order of their bits.
var pollEvents = []struct {
	name string
	bit  int16
}{
	{"in", unix.POLLIN},
	{"pri", unix.POLLPRI},
	{"out", unix.POLLOUT},
	{"err", unix.POLLERR},
	{"hup", unix.POLLHUP},
	{"nval", unix.POLLNVAL},
	{"rdhup", unix.POLLRDHUP},
}

func pollMask(names []string) (int16, error) {
	if len(names) == 0 {
		return unix.POLLIN, nil
	}
	var mask int16
	for _, name := range names {
		bit := int16(0)
		for _, e := range pollEvents {
			if e.name == name {
				bit = e.bit
			}
		}
		if bit == 0 {
			return 0, fmt.Errorf("unknown poll event %q", name)
		}
		mask |= bit
	}
	return mask, nil
}

func pollNames(mask int16) string {
	var names []string
	for _, e := range pollEvents {
		if mask&e.bit != 0 {
			names = append(names, e.name)
		}
	}
	return strings.Join(names, ",")
}

func (t *thread) poll(step *language.Step, op *language.Poll, o *outcome) {
	mask, err := pollMask(op.For)
	if err != nil {
		o.problem(err)
		return
	}
	var timeout *unix.Timespec
	if op.Timeout != nil {
		ts := unix.NsecToTimespec(int64(time.Duration(*op.Timeout)))
		timeout = &ts
	}
	t.onExisting(step, o, func(s *socket) {
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: mask}}
		t.syscall(s, o, func() (int, error) { return unix.Ppoll(fds, timeout, nil) })
		o.Value = pollNames(fds[0].Revents)
	})
}
