package vm

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sharing is the guest's side of a share, without a guest.
type sharing struct {
	t     *testing.T
	share *share
	turn  int
}

func shareOf(t *testing.T, root string) *sharing {
	t.Helper()
	s, err := newShare(root)
	if err != nil {
		t.Fatal(err)
	}
	g := &sharing{t: t, share: s}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	// struct fuse_init_in of protocol 7.36
	if err, out := g.ask(26, 0, le(uint32(7), uint32(36), uint32(128<<10), uint32(0), make([]byte, 48))); err != 0 || len(out) < 24 {
		t.Fatalf("INIT: %v, %d bytes", err, len(out))
	}
	return g
}

func le(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = append([]byte(s), 0)
		}
		_ = binary.Write(&b, binary.LittleEndian, v) // to memory
	}
	return b.Bytes()
}

// ask sends a request and returns its answer.
func (g *sharing) ask(op uint32, node uint64, in []byte) (unix.Errno, []byte) {
	g.t.Helper()
	return g.send(le(uint32(40+len(in)), op, uint64(77), node, uint32(0), uint32(0), uint32(1), uint32(0), in))
}

func (g *sharing) send(request []byte) (unix.Errno, []byte) {
	g.t.Helper()
	w := g.share.window
	w.setRequest(copy(w.requestRoom(), request))
	hold := g.share.forQEMU[1+g.turn%2]
	g.turn++
	// Before the guest rings, the pipe is full.
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(hold.Fd()), Events: unix.POLLOUT}}, 0); n != 0 || err != nil {
		g.t.Fatalf("the guest would not wait: %d, %v", n, err)
	}
	for _, f := range []*os.File{g.share.forQEMU[0], hold} {
		if _, err := f.Write([]byte{0}); err != nil {
			g.t.Fatal(err)
		}
	}
	a := w.answer()
	if len(a) == 0 {
		return 0, nil
	}
	if unique := binary.LittleEndian.Uint64(a[8:]); unique != 77 {
		g.t.Fatalf("the answer is to request %d", unique)
	}
	return unix.Errno(-int32(binary.LittleEndian.Uint32(a[4:]))), bytes.Clone(a[16:])
}

// lookup returns the node of an entry.
func (g *sharing) lookup(folder uint64, name string) (unix.Errno, uint64) {
	g.t.Helper()
	err, out := g.ask(1, folder, le(name))
	if err != 0 {
		return err, 0
	}
	node := binary.LittleEndian.Uint64(out)
	if node == 0 { // the kernel may remember that there is none
		err = unix.ENOENT
	}
	return err, node
}

func TestAGuestReadsTheFilesOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{"etc/passwd": "root", "proc/1/environ": "secret", "sys/x": "", "dev/x": ""} {
		write(t, filepath.Join(dir, path), []byte(text))
	}
	if err := os.Symlink("etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	g := shareOf(t, dir)
	_, etc := g.lookup(1, "etc")
	err, passwd := g.lookup(etc, "passwd")
	if err != 0 || passwd == 0 {
		t.Fatalf("LOOKUP: %v", err)
	}
	err, opened := g.ask(14, passwd, le(uint32(unix.O_RDONLY), uint32(0)))
	if err != 0 {
		t.Fatalf("OPEN: %v", err)
	}
	handle := binary.LittleEndian.Uint64(opened)
	if err, text := g.ask(15, passwd, le(handle, uint64(1), uint32(100), make([]byte, 20))); err != 0 || string(text) != "oot" {
		t.Errorf("READ: %v, %q", err, text)
	}
	_, link := g.lookup(1, "link")
	if err, to := g.ask(5, link, nil); err != 0 || string(to) != "etc/passwd" {
		t.Errorf("READLINK: %v, %q", err, to)
	}
	for _, own := range []string{"dev", "proc", "sys"} {
		if err, node := g.lookup(1, own); err != 0 {
			t.Errorf("LOOKUP of %s: %v", own, err)
		} else if err, _ := g.lookup(node, "x"); err != unix.ENOENT {
			t.Errorf("LOOKUP in %s: %v, want ENOENT", own, err)
		}
	}
}

// There is no request with which a guest changes something.
func TestAGuestChangesNoFileOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, []byte("text"))
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	g := shareOf(t, dir)
	_, node := g.lookup(1, "file")
	_, fifo := g.lookup(1, "fifo")
	for _, tt := range []struct {
		name string
		op   uint32
		node uint64
		in   []byte
	}{
		{"OPEN for writing", 14, node, le(uint32(unix.O_RDWR), uint32(0))},
		{"OPEN of a pipe", 14, fifo, le(uint32(unix.O_RDONLY), uint32(0))},
		{"SETATTR", 4, node, le(uint32(1<<3), uint32(0), uint64(0), uint64(0), make([]byte, 64))},
		{"SYMLINK", 6, 1, le("new", "to")},
		{"MKNOD", 8, 1, le(uint32(unix.S_IFREG|0o644), uint32(0), uint32(0), uint32(0), "new")},
		{"MKDIR", 9, 1, le(uint32(0o755), uint32(0), "new")},
		{"UNLINK", 10, 1, le("file")},
		{"RMDIR", 11, 1, le("file")},
		{"RENAME", 12, 1, le(uint64(1), "file", "new")},
		{"LINK", 13, 1, le(node, "new")},
		{"SETXATTR", 21, node, le(uint32(1), uint32(0), "user.a", "b")},
		{"CREATE", 35, 1, le(uint32(unix.O_RDWR), uint32(0o644), uint32(0), uint32(0), "new")},
		{"a request that FUSE does not have", 4000, 1, nil},
	} {
		if err, _ := g.ask(tt.op, tt.node, tt.in); err == 0 {
			t.Errorf("%s succeeded", tt.name)
		}
	}
	if err, _ := g.send(le(uint32(3))); err != 0 {
		t.Errorf("too short a request was answered: %v", err)
	}
	entries, err := os.ReadDir(dir)
	text, errText := os.ReadFile(file)
	if err != nil || errText != nil || len(entries) != 2 || string(text) != "text" {
		t.Errorf("afterwards: %v, %q; %v, %v", entries, text, err, errText)
	}
}

func TestAGuestDoesNotLeaveWhatIsShared(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"outside", "root/etc/passwd", "root/proc/1/environ"} {
		write(t, filepath.Join(dir, path), []byte("secret"))
	}
	g := shareOf(t, filepath.Join(dir, "root"))
	_, etc := g.lookup(1, "etc")
	for _, name := range []string{"../proc/1/environ", "../../outside", "./passwd"} {
		if err, _ := g.lookup(etc, name); err != unix.EINVAL {
			t.Errorf("LOOKUP of %s: %v, want EINVAL", name, err)
		}
	}
	if err, node := g.lookup(etc, "passwd"); err != 0 || node == 0 {
		t.Errorf("LOOKUP of passwd: %v", err)
	}
}

func TestAGuestReadsNothingOfProcessesWhereverTheyAreMounted(t *testing.T) {
	g := shareOf(t, "/proc/self")
	err, node := g.lookup(1, "environ")
	if err != 0 {
		t.Fatalf("LOOKUP: %v", err)
	}
	if err, _ := g.ask(14, node, le(uint32(unix.O_RDONLY), uint32(0))); err != unix.EACCES {
		t.Errorf("OPEN: %v, want EACCES", err)
	}
}

func TestAGuestKeepsNoMoreFilesOpenThanItMay(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	g := shareOf(t, dir)
	g.share.open.most = 2
	_, file := g.lookup(1, "file")
	flags := le(uint32(unix.O_RDONLY), uint32(0))
	open := func(op uint32, node uint64) (unix.Errno, uint64) {
		err, out := g.ask(op, node, flags)
		if err != 0 {
			return err, 0
		}
		return 0, binary.LittleEndian.Uint64(out)
	}
	list := func(folder uint64) unix.Errno {
		err, _ := g.ask(28, 1, le(folder, uint64(0), uint32(4096), make([]byte, 20)))
		return err
	}
	_, first := open(14, file)
	_, folder := open(27, 1)
	if err := list(folder); err != 0 {
		t.Fatalf("READDIR: %v", err)
	}
	if err, _ := open(14, file); err != unix.ENFILE {
		t.Errorf("OPEN of a third one: %v, want ENFILE", err)
	}
	_, other := open(27, 1)
	if err := list(other); err != unix.ENFILE {
		t.Errorf("READDIR of a third one: %v, want ENFILE", err)
	}
	for _, released := range []struct {
		op           uint32
		node, handle uint64
	}{{18, file, first}, {29, 1, folder}} {
		if err, _ := g.ask(released.op, released.node, le(released.handle, make([]byte, 16))); err != 0 {
			t.Fatalf("RELEASE: %v", err)
		}
		if err, _ := open(14, file); err != 0 {
			t.Errorf("OPEN after RELEASE: %v", err)
		}
	}
}

// A guest that is killed releases nothing.
func TestAShareClosesTheFilesOfItsGuest(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	openHere := func() (n int) {
		t.Helper()
		here, err := filepath.EvalSymlinks(dir)
		if err != nil {
			t.Fatal(err)
		}
		links, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, here) {
				n++
			}
		}
		return n
	}
	t.Run("guest", func(t *testing.T) {
		g := shareOf(t, dir)
		_, file := g.lookup(1, "file")
		if err, _ := g.ask(14, file, le(uint32(unix.O_RDONLY), uint32(0))); err != 0 {
			t.Fatalf("OPEN: %v", err)
		}
		_, out := g.ask(27, 1, le(uint32(unix.O_RDONLY), uint32(0)))
		g.ask(28, 1, le(binary.LittleEndian.Uint64(out), uint64(0), uint32(4096), make([]byte, 20)))
		if n := openHere(); n != 2 {
			t.Errorf("%d files are open, want 2", n)
		}
	})
	if n := openHere(); n != 0 {
		t.Errorf("%d files are open after the guest, want none", n)
	}
}

// The library panics, and may still hold locks: the next request would wait for them forever.
func TestAShareEndsAtARequestThatNoKernelSends(t *testing.T) {
	for name, request := range map[string][]byte{
		"FORGET of more than was found": le(uint32(48), uint32(2), uint64(77), uint64(1), make([]byte, 16), uint64(1)<<40),
		"GETATTR of an unknown node":    le(uint32(56), uint32(3), uint64(77), uint64(99), make([]byte, 32)),
		"WRITE without OPEN":            le(uint32(80), uint32(16), uint64(77), uint64(1), make([]byte, 16), uint64(9), make([]byte, 32)),
	} {
		t.Run(name, func(t *testing.T) {
			g := shareOf(t, t.TempDir())
			w := g.share.window
			w.setRequest(copy(w.requestRoom(), request))
			if _, err := g.share.forQEMU[0].Write([]byte{0}); err != nil {
				t.Fatal(err)
			}
			<-g.share.done
		})
	}
}
