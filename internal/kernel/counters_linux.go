package kernel

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Counters are the open counter files of one network namespace: a file of /proc/net always shows
// the namespace in which it was opened. They may be read from several goroutines.
type Counters struct {
	files []counterFile

	mu  sync.Mutex
	buf []byte // guarded by mu
}

type counterFile struct {
	name  string
	fd    int
	parse func(text []byte, each counted) error
}

// CounterNames returns the counters that the running kernel has, each GROUP.NAME, sorted. The
// counters for single types of ICMP messages are missing until they have counted a message.
func CounterNames() ([]string, error) {
	c, err := OpenCounters()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	values, err := c.Read()
	return slices.Sorted(maps.Keys(values)), err
}

// OpenCounters opens the counters of the network namespace that the calling thread is in.
func OpenCounters() (*Counters, error) {
	c := &Counters{buf: make([]byte, 32<<10)}
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Counters) open() error {
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

// Read returns all counters by GROUP.NAME.
func (c *Counters) Read() (map[string]int64, error) {
	values := make(map[string]int64, 512)
	err := c.read(func(name []byte, value int64) { values[string(name)] = value })
	return values, err
}

// Changed returns the counters whose values are not those of an earlier reading.
func (c *Counters) Changed(since map[string]int64) (map[string]int64, error) {
	values := map[string]int64{}
	err := c.read(func(name []byte, value int64) {
		if before, ok := since[string(name)]; !ok || before != value {
			values[string(name)] = value
		}
	})
	return values, err
}

func (c *Counters) read(each counted) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.files {
		text, err := c.readAll(f.fd)
		if err == nil {
			err = f.parse(text, each)
		}
		if err != nil {
			return fmt.Errorf("/proc/net/%s: %w", f.name, err)
		}
	}
	return nil
}

// readAll reads a file from its start. The kernel collects the counters again at each read of
// offset 0.
func (c *Counters) readAll(fd int) ([]byte, error) {
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

// Close closes the files.
func (c *Counters) Close() {
	for _, f := range c.files {
		_ = unix.Close(f.fd) // nothing was written
	}
	c.files = nil
}
