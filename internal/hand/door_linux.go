package hand

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Door is where clients find the labs of this process. Its methods are safe for concurrent use.
type Door struct {
	// Name is the name of its socket: a small number.
	Name string

	folder   *folder
	listener *net.UnixListener
	all      sync.WaitGroup

	mu     sync.Mutex
	labs   []*resident
	last   int
	closed bool
	conns  map[*Conn]bool // of clients that have not sent their request
}

// resident is a lab that clients find by a door.
type resident struct {
	Lab
	pass func([]byte, []*os.File) error
}

// requestWithin is how long a client may take to send its request.
const requestWithin = 5 * time.Second

// mostDoors is how many processes of a user may have one.
const mostDoors = 10_000

// Open makes a door. Close it.
func Open() (*Door, error) {
	locked, err := lockFolder(true)
	if err != nil {
		return nil, err
	}
	defer locked.Close()
	f, err := openFolder(false) // a lock lasts as long as its file is open
	if err != nil {
		return nil, err
	}
	for n := 1; n < mostDoors; n++ {
		name := strconv.Itoa(n)
		l, err := f.listen(name)
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("making the socket of labs in %s: %w", f.Name(), err)
		}
		d := &Door{Name: name, folder: f, listener: l, conns: map[*Conn]bool{}}
		d.all.Go(d.serve)
		return d, nil
	}
	f.Close()
	return nil, fmt.Errorf("making the socket of labs: %s has %d", f.Name(), mostDoors)
}

// listen makes a socket. It takes the place of one whose process has died.
func (f *folder) listen(name string) (*net.UnixListener, error) {
	address := &net.UnixAddr{Name: f.path(name), Net: "unixpacket"}
	l, err := net.ListenUnix("unixpacket", address)
	if errors.Is(err, unix.EADDRINUSE) && f.stale(name) {
		l, err = net.ListenUnix("unixpacket", address)
	}
	if err == nil {
		l.SetUnlinkOnClose(false) // Close does it, by the open folder
	}
	return l, err
}

// stale removes a socket if nobody listens there. The caller holds the lock, so nobody is about to.
func (f *folder) stale(name string) bool {
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: f.path(name), Net: "unixpacket"})
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, unix.ECONNREFUSED) && unix.Unlinkat(int(f.Fd()), name, 0) == nil
}

// Add makes a lab known, until the returned function is called. pass gives a [Request] to it, as JSON,
// with its files: first the connection to the client. It must not keep the files open.
func (d *Door) Add(l Lab, pass func([]byte, []*os.File) error) (remove func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	l.Number = d.last
	r := &resident{l, pass}
	d.labs = append(d.labs, r)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.labs = slices.DeleteFunc(d.labs, func(o *resident) bool { return o == r })
	}
}

// serve accepts clients until the door is closed.
func (d *Door) serve() {
	for {
		c, err := d.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// As the number of open files is bounded, a client may have to come again.
			timer := time.NewTimer(100 * time.Millisecond)
			<-timer.C
			continue
		}
		conn := &Conn{c}
		if !d.begin(conn) {
			return
		}
		d.all.Go(func() {
			defer d.end(conn)
			d.answer(conn)
		})
	}
}

func (d *Door) begin(c *Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		c.Close()
		return false
	}
	d.conns[c] = true
	return true
}

func (d *Door) end(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
	c.Close()
}

// answer reads a client's request, and answers it or passes it on.
func (d *Door) answer(c *Conn) {
	_ = c.c.SetReadDeadline(time.Now().Add(requestWithin))
	var r Request
	files, err := c.Receive(&r)
	if err != nil {
		_ = c.Send(Reply{Error: fmt.Sprintf("reading the request: %v", err)}) // the client may be gone
		return
	}
	defer CloseAll(files)
	_ = c.c.SetReadDeadline(time.Time{})
	if r.By, err = admit(c); err != nil {
		_ = c.Send(Reply{Error: err.Error()})
		return
	}
	d.mu.Lock()
	labs := slices.Clone(d.labs)
	d.mu.Unlock()
	if r.Op == OpList {
		var list []Lab
		for _, l := range labs {
			list = append(list, l.Lab)
		}
		_ = c.Send(Reply{Labs: list})
		return
	}
	i := slices.IndexFunc(labs, func(l *resident) bool { return l.Number == r.Lab })
	if i < 0 {
		_ = c.Send(Reply{Error: "the lab has ended"})
		return
	}
	text, err := json.Marshal(r)
	if err == nil {
		var conn *os.File
		if conn, err = c.File(); err == nil {
			err = labs[i].pass(text, append([]*os.File{conn}, files...))
			conn.Close()
		}
	}
	if err != nil {
		_ = c.Send(Reply{Error: err.Error()})
	}
}

// admit returns who a client is. The user of this process, and root, are let in, but not from a lab:
// its root is the same user.
func admit(c *Conn) (by string, err error) {
	cred, err := c.peer()
	if err != nil {
		return "", fmt.Errorf("asking who the client is: %w", err)
	}
	if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return "", fmt.Errorf("this lab belongs to user %d", os.Geteuid())
	}
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", err
	}
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", cred.Pid))
	if err != nil || its != own || c.peerIsGone() {
		return "", errors.New("a lab is not entered from within another one, nor from a container")
	}
	id := strconv.Itoa(int(cred.Uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username, nil
	}
	return "user " + id, nil
}

// Close ends the door. Commands that clients have begun go on in their labs.
func (d *Door) Close() error {
	d.mu.Lock()
	d.closed = true
	for c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	locked, err := lockFolder(false)
	if err == nil {
		// A client that comes now must not find a socket that nobody serves.
		err = unix.Unlinkat(int(d.folder.Fd()), d.Name, 0)
		_ = unix.Rmdir(locked.Name()) // unless other processes have labs
		locked.Close()
	}
	err = errors.Join(err, d.listener.Close())
	d.all.Wait()
	return errors.Join(err, d.folder.Close())
}
