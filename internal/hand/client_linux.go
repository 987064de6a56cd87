package hand

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/say"
)

// answerWithin is how long a process may take to list its labs. One that is stopped does not answer.
const answerWithin = 2 * time.Second

// askWithin is how long a lab may take to answer. It may be in the middle of building something.
const askWithin = 10 * time.Second

// Labs returns the labs of all processes of this user. Those that do not answer are left out.
func Labs() ([]Lab, error) {
	f, err := openFolder(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.sockets()
	if err != nil {
		return nil, fmt.Errorf("reading the folder of labs: %w", err)
	}
	var all []Lab
	for _, name := range names {
		c, err := f.dial(name)
		if err != nil {
			continue // its process has died
		}
		labs, err := c.list()
		c.Close()
		if err != nil {
			continue
		}
		identify(labs, name)
		all = append(all, labs...)
	}
	return all, nil
}

func (f *folder) dial(name string) (*Conn, error) {
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: f.path(name), Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	conn := &Conn{c}
	// Whoever listens there must be who could have made the socket.
	cred, err := conn.peer()
	if err == nil && int(cred.Uid) != unix.Geteuid() {
		err = fmt.Errorf("user %d listens there", cred.Uid)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *Conn) list() ([]Lab, error) {
	_ = c.c.SetDeadline(time.Now().Add(answerWithin))
	if err := c.Send(Request{Op: OpList}); err != nil {
		return nil, err
	}
	var r Reply
	files, err := c.Receive(&r)
	CloseAll(files)
	if err != nil {
		return nil, err
	}
	return r.Labs, r.err()
}

// Dial connects to the process of a lab.
func Dial(l *Lab) (*Conn, error) {
	f, err := openFolder(false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := f.dial(l.socket)
	if err != nil {
		return nil, fmt.Errorf("reaching lab %s: %w", l.ID, err)
	}
	return c, nil
}

// Ask sends a request to a lab, and returns its answer. pass passes the request on to the lab; nil sends
// it over the connection.
func (c *Conn) Ask(r Request, pass func(Request) error) (*Reply, error) {
	if pass == nil {
		pass = func(r Request) error { return c.Send(r) }
	}
	reply, files, err := c.exchange(func() error { return pass(r) })
	CloseAll(files)
	return reply, err
}

// Socket asks for a socket, after an OpSockets. An error of socket(2) is a *[os.SyscallError].
func (c *Conn) Socket(s Socket) (*os.File, error) {
	reply, files, err := c.exchange(func() error { return c.Send(s) })
	if reply != nil && reply.Errno != 0 {
		err = os.NewSyscallError("socket", unix.Errno(reply.Errno))
	}
	if err == nil && len(files) != 1 {
		err = errors.New("the lab sent no socket")
	}
	if err != nil {
		CloseAll(files)
		return nil, err
	}
	return files[0], nil
}

// exchange sends something, and returns the answer.
func (c *Conn) exchange(send func() error) (*Reply, []*os.File, error) {
	_ = c.c.SetDeadline(time.Now().Add(askWithin))
	if err := send(); err != nil {
		return nil, nil, gone(err)
	}
	var reply Reply
	files, err := c.Receive(&reply)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, nil, fmt.Errorf("the lab did not answer within %s", say.Duration(askWithin))
	}
	if err != nil {
		return nil, nil, gone(err)
	}
	return &reply, files, reply.err()
}

// err returns the error of a reply, or nil.
func (r *Reply) err() error {
	if r.Error == "" {
		return nil
	}
	return &Error{r.Error, r.Status}
}

// gone replaces the error of a connection whose lab is gone.
func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return ErrEnded
	}
	return err
}
