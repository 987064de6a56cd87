package harness

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/internal/hand"
)

// Sockets for the holder of a lab
//
// A process outside cannot enter the hosts of a lab of an ordinary user: only a process with one thread
// may change its user namespace (setns(2)). So the lab makes the sockets, which stay in the namespace of
// their host whoever uses them, and passes them on.

// lendSockets answers hand.OpSockets: it makes sockets on a host until the client is gone.
func (l *lab) lendSockets(r *hand.Request, files []*os.File) (*hand.Reply, error) {
	host, err := l.hostByHand(r.Host)
	if err != nil {
		return nil, err
	}
	client, err := hand.NewConn(files[0])
	if err != nil {
		return nil, err
	}
	go lend(client, host) // it ends with the client, or with the lab
	return nil, nil
}

// lend makes the sockets that a client asks for.
func lend(client *hand.Conn, host *network.Namespace) {
	defer client.Close()
	if client.Send(hand.Reply{}) != nil {
		return
	}
	for {
		var want hand.Socket
		files, err := client.Receive(&want)
		hand.CloseAll(files)
		if err != nil {
			return
		}
		var made []*os.File
		reply := hand.Reply{}
		if s, err := socketOn(host, want); err == nil {
			made = append(made, s)
		} else {
			reply = hand.Reply{Error: err.Error()}
			var errno unix.Errno
			if errors.As(err, &errno) {
				reply.Errno = int(errno)
			}
		}
		err = client.Send(reply, made...)
		hand.CloseAll(made)
		if err != nil {
			return
		}
	}
}

// socketOn makes a socket on a host.
func socketOn(host *network.Namespace, want hand.Socket) (*os.File, error) {
	fd := -1
	err := host.Do(func() (err error) {
		fd, err = unix.Socket(want.Domain, want.Type|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, want.Protocol)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}
