package observe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// counterFiles are the open counter files of one host. A file of /proc/net belongs to the namespace it was opened in,
// whoever reads it.
type counterFiles struct {
	host  string
	files []counterFile

	mu  sync.Mutex
	buf []byte // mu
}

type counterFile struct {
	name  string
	fd    int
	parse func(values map[string]int64, text []byte) error
}

// CounterNames returns the counters that the running kernel has, each GROUP.NAME, in order. Those of types of ICMP messages
// come to be when they first count.
func CounterNames() ([]string, error) {
	c := newCounterFiles("")
	defer c.close()
	if err := c.open(); err != nil {
		return nil, err
	}
	values, err := c.read()
	return slices.Sorted(maps.Keys(values)), err
}

func openCounters(h Host) (*counterFiles, error) {
	c := newCounterFiles(h.Name)
	if err := h.NS.Do(c.open); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func newCounterFiles(host string) *counterFiles {
	return &counterFiles{host: host, buf: make([]byte, 32<<10)}
}

// open opens those of the namespace that the thread is in.
func (c *counterFiles) open() error {
	for _, f := range []counterFile{
		{name: "snmp", parse: parsePairs},
		{name: "netstat", parse: parsePairs},
		{name: "snmp6", parse: parseLines},
	} {
		path := "/proc/thread-self/net/" + f.name
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) && f.name == "snmp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return &os.PathError{Op: "open", Path: path, Err: err}
		}
		f.fd = fd
		c.files = append(c.files, f)
	}
	return nil
}

// read returns all counters by GROUP.NAME.
func (c *counterFiles) read() (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := make(map[string]int64, 512)
	for _, f := range c.files {
		text, err := c.readAll(f.fd)
		if err != nil {
			return nil, fmt.Errorf("/proc/net/%s: %w", f.name, err)
		}
		if err := f.parse(values, text); err != nil {
			return nil, fmt.Errorf("/proc/net/%s: %w", f.name, err)
		}
	}
	return values, nil
}

// readAll reads a file from its start; the kernel counts anew for each reading of offset 0.
func (c *counterFiles) readAll(fd int) ([]byte, error) {
	n := 0
	for {
		if n == len(c.buf) {
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
		m, err := unix.Pread(fd, c.buf[n:], int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case m == 0:
			return c.buf[:n], nil
		default:
			n += m
		}
	}
}

func (c *counterFiles) close() {
	for _, f := range c.files {
		_ = unix.Close(f.fd) // nothing was written
	}
	c.files = nil
}
