package actor

import (
	"errors"
	"io/fs"
	"os"
)

// sockstat counts the sockets of the host. The files are those of the thread's network namespace; a host without IPv6 lacks
// some.
func (t *thread) sockstat(o *outcome) {
	o.Values = make(map[string]int64)
	o.call(func() (int, error) {
		for name, add := range map[string]func(map[string]int64, string) error{
			"sockstat": addSockstat, "sockstat6": addSockstat, "tcp": addStates, "tcp6": addStates,
		} {
			table, err := os.ReadFile("/proc/thread-self/net/" + name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = add(o.Values, string(table))
			}
			if err != nil {
				return -1, err
			}
		}
		return 0, nil
	})
}
