package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// share answers the requests of one guest.
type share struct {
	// memory is the file of the window.
	memory *os.File
	window window
	tree   *fuse.ProtocolServer
	open   *openFiles
	// broken is set when the tree cannot answer any more, because a guest has sent what no kernel sends.
	broken bool
	// bell reads what the guest writes to ring.
	bell  *os.File
	holds [len(holdPorts)]hold
	// forQEMU are the ends of the pipes that QEMU opens again: the bell, and the holds in order.
	forQEMU []*os.File
	done    chan struct{}
}

// newShare returns a share of the files below root, and starts to answer. The caller closes it.
func newShare(root string) (_ *share, err error) {
	s := &share{open: newOpenFiles(), done: make(chan struct{})}
	s.tree = newTree(root, s.open, func() { s.broken = true })
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("sharing files with the guest: %w", err), s.release())
		}
	}()
	if s.memory, err = memoryFile("window", nil); err != nil {
		return nil, err
	}
	if err := s.memory.Truncate(windowSize); err != nil {
		return nil, err
	}
	if s.window, err = unix.Mmap(int(s.memory.Fd()), 0, windowSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED); err != nil {
		return nil, err
	}
	bell, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.bell, s.forQEMU = bell, append(s.forQEMU, end)
	for i := range s.holds {
		end, err := s.holds[i].open()
		if err != nil {
			return nil, err
		}
		s.forQEMU = append(s.forQEMU, end)
	}
	go s.serve()
	return s, nil
}

// serve answers requests until the bell is closed.
func (s *share) serve() {
	defer close(s.done)
	rung := make([]byte, 1)
	request := make([]byte, len(s.window.requestRoom()))
	for turn := 0; ; turn++ {
		if _, err := s.bell.Read(rung); err != nil {
			return
		}
		// A copy cannot change while it is looked at.
		n := copy(request, s.window.request())
		s.window.setAnswer(s.answer(request[:n], s.window.answerRoom()))
		if s.broken {
			return // the guest hangs until it is ended
		}
		this, next := &s.holds[turn%len(s.holds)], &s.holds[(turn+1)%len(s.holds)]
		if errors.Join(next.fill(), this.release()) != nil {
			return
		}
	}
}

// answer writes the answer to a request and returns its length; 0 if the guest waits for none.
func (s *share) answer(request, room []byte) int {
	n, status := s.tree.HandleRequest([][]byte{request}, [][]byte{room})
	if status.Ok() {
		return n
	}
	// A request that cannot be read. Its answer is an error: struct fuse_out_header.
	const header, uniqueAt = 16, 8
	if len(request) < uniqueAt+8 {
		return 0
	}
	binary.LittleEndian.PutUint32(room, header)
	binary.LittleEndian.PutUint32(room[4:], ^uint32(unix.EIO)+1) // -EIO
	copy(room[8:header], request[uniqueAt:])
	return header
}

// close ends the answers. The guest must have ended.
func (s *share) close() error {
	err := s.bell.Close()
	<-s.done
	s.bell = nil
	return errors.Join(err, s.release())
}

func (s *share) release() error {
	err := s.open.close()
	for _, f := range append([]*os.File{s.memory, s.bell}, s.forQEMU...) {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	for i := range s.holds {
		err = errors.Join(err, s.holds[i].close())
	}
	if s.window != nil {
		err = errors.Join(err, unix.Munmap(s.window))
	}
	return err
}

// hold is a pipe that is full while the guest has to wait: QEMU tries to write a byte until there is
// room for it. The descriptors are not an os.File, which os/exec would make blocking.
type hold struct{ out, in int }

// open makes the pipe, fills it, and returns the end for QEMU.
func (h *hold) open() (*os.File, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	h.out, h.in = pipe[0], pipe[1]
	// One page is the least.
	if _, err := unix.FcntlInt(uintptr(h.in), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		return nil, err
	}
	if err := h.fill(); err != nil {
		return nil, err
	}
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", h.in), os.O_WRONLY, 0)
}

// fill fills the pipe. The guest must not write to it at the same time.
func (h *hold) fill() error {
	has, err := unix.IoctlGetInt(h.in, unix.TIOCINQ) // FIONREAD
	if err != nil {
		return err
	}
	_, err = unix.Write(h.in, make([]byte, os.Getpagesize()-has))
	return err
}

// release empties the pipe.
func (h *hold) release() error {
	_, err := unix.Read(h.out, make([]byte, os.Getpagesize()))
	return err
}

func (h *hold) close() error {
	if h.in == 0 {
		return nil
	}
	return errors.Join(unix.Close(h.out), unix.Close(h.in))
}
