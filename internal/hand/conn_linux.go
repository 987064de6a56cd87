package hand

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// largest is the largest packet: a command line of 100 kB fits into it. The kernel takes no larger
// ones by default (net.core.wmem_default).
const largest = 160 << 10

// mostFiles is how many files come with a packet at most.
const mostFiles = 4

// Conn is one end of a connection between a client and a lab.
type Conn struct{ c *net.UnixConn }

// NewConn returns the end of a connection that is open in this process. It takes the file.
func NewConn(f *os.File) (*Conn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("using a connection to a lab: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("using a connection to a lab: it is not a Unix socket")
	}
	return &Conn{u}, nil
}

// Pair returns both ends of a new connection, the second to be passed on to a lab.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a connection to the lab: %w", err)
	}
	there := os.NewFile(uintptr(fds[1]), "lab")
	here, err := NewConn(os.NewFile(uintptr(fds[0]), "client"))
	if err != nil {
		there.Close()
		return nil, nil, err
	}
	return here, there, nil
}

// File returns another descriptor of this end.
func (c *Conn) File() (*os.File, error) { return c.c.File() }

// Close closes this end.
func (c *Conn) Close() error { return c.c.Close() }

// Send sends a value as a packet, and files with it, which stay open here.
func (c *Conn) Send(v any, files ...*os.File) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > largest {
		return fmt.Errorf("the command is longer than %d bytes", largest)
	}
	var rights []byte
	if len(files) > 0 {
		fds, err := descriptors(files)
		if err != nil {
			return err
		}
		rights = unix.UnixRights(fds...)
	}
	defer runtime.KeepAlive(files)
	_, _, err = c.c.WriteMsgUnix(text, rights, nil)
	return err
}

// descriptors returns the numbers of files, which must stay alive. os.File.Fd would make them block.
func descriptors(files []*os.File) ([]int, error) {
	var fds []int
	for _, f := range files {
		conn, err := f.SyscallConn()
		if err == nil {
			err = conn.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
		}
		if err != nil {
			return nil, err
		}
	}
	return fds, nil
}

// Receive reads a packet into the value that v points to, and returns the files that came with it. At
// the end of the connection the error is io.EOF.
func (c *Conn) Receive(v any) ([]*os.File, error) {
	text := make([]byte, largest)
	control := make([]byte, unix.CmsgSpace(mostFiles*4))
	n, used, flags, _, err := c.c.ReadMsgUnix(text, control)
	if err != nil {
		return nil, err
	}
	files, err := filesIn(control[:used])
	switch {
	case err != nil:
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = errors.New("a packet is too large")
	case n == 0:
		err = io.EOF
	default:
		err = json.Unmarshal(text[:n], v)
	}
	if err != nil {
		CloseAll(files)
		return nil, err
	}
	return files, nil
}

// filesIn returns the files of a control message. The Go runtime asks the kernel to close them on exec.
func filesIn(control []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // of another kind
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

// CloseAll closes files.
func CloseAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// peerIsGone reports whether the process has ended that made the connection: another one may have its
// number. Linux before 6.5 does not say.
func (c *Conn) peerIsGone() bool {
	raw, err := c.c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	if err := raw.Control(func(fd uintptr) {
		process, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PEERPIDFD)
		switch {
		case err == nil:
			gone = unix.PidfdSendSignal(process, 0, nil, 0) != nil
			unix.Close(process)
		default:
			gone = err != unix.ENOPROTOOPT
		}
	}); err != nil {
		return true
	}
	return gone
}

// peer returns the user and the process at the other end.
func (c *Conn) peer() (*unix.Ucred, error) {
	raw, err := c.c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	return cred, failed
}
