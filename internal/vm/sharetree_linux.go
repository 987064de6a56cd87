package vm

import (
	"context"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// unshared are the folders of the machine of which a guest has its own.
var unshared = []string{"/dev", "/proc", "/sys"}

// newTree returns a server for the files below a folder of the machine, "/" for all. It can only read:
// whatever a guest sends, there is no code here that changes a file. What the machine does not let the
// caller read, the guest cannot read. open has what the guest opens. When the library panics, it calls
// broken, and may hold its locks.
func newTree(root string, open *openFiles, broken func()) *fuse.ProtocolServer {
	// Nothing is asked twice: what changes on the machine during a run is not seen.
	forever := 24 * 365 * time.Hour
	o := &fs.Options{
		MountOptions: fuse.MountOptions{
			Logger: log.New(io.Discard, "", 0), DisableXAttrs: true, EnableSymlinkCaching: true,
			PanicHandler: func(any) fuse.Status { broken(); return fuse.EIO },
		},
		EntryTimeout:    &forever,
		AttrTimeout:     &forever,
		NegativeTimeout: &forever,
		NullPermissions: true,
	}
	return fuse.NewProtocolServer(fs.NewNodeFS(&sharedNode{root: root, open: open}, o), &o.MountOptions)
}

// sharedNode is a file or folder of the machine.
type sharedNode struct {
	fs.Inode
	// root is the folder of the machine whose path in the guest is /.
	root string
	open *openFiles
}

var (
	_ fs.NodeLookuper   = (*sharedNode)(nil)
	_ fs.NodeGetattrer  = (*sharedNode)(nil)
	_ fs.NodeReaddirer  = (*sharedNode)(nil)
	_ fs.NodeReadlinker = (*sharedNode)(nil)
	_ fs.NodeOpener     = (*sharedNode)(nil)
	_ fs.NodeStatfser   = (*sharedNode)(nil)
	_ fs.NodeFlusher    = (*sharedNode)(nil)
	_ fs.NodeUnlinker   = (*sharedNode)(nil)
	_ fs.NodeRmdirer    = (*sharedNode)(nil)
)

// path returns the path in the guest.
func (n *sharedNode) path() string { return filepath.Join("/", n.Path(n.Root())) }

// real returns the path on the machine.
func (n *sharedNode) real() string { return filepath.Join(n.root, n.path()) }

// Lookup finds an entry of a folder.
func (n *sharedNode) Lookup(
	ctx context.Context, name string, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if slices.Contains(unshared, n.path()) {
		return nil, unix.ENOENT
	}
	// A kernel asks for no such name, but with "../proc" a guest would leave what is shared.
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return nil, unix.EINVAL
	}
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(n.real(), name), &st); err != nil {
		return nil, fs.ToErrno(err)
	}
	setAttributes(&out.Attr, &st)
	// Several file systems of the machine are one of the guest.
	id := fs.StableAttr{Mode: st.Mode, Ino: st.Ino ^ (st.Dev<<32 | st.Dev>>32)}
	return n.NewInode(ctx, &sharedNode{root: n.root, open: n.open}, id), 0
}

// Getattr is lstat(2).
func (n *sharedNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	var st unix.Stat_t
	if err := unix.Lstat(n.real(), &st); err != nil {
		return fs.ToErrno(err)
	}
	setAttributes(&out.Attr, &st)
	return 0
}

func setAttributes(a *fuse.Attr, st *unix.Stat_t) {
	a.Ino, a.Size, a.Blocks, a.Blksize = st.Ino, uint64(st.Size), uint64(st.Blocks), uint32(st.Blksize)
	a.Mode, a.Nlink, a.Uid, a.Gid, a.Rdev = st.Mode, uint32(st.Nlink), st.Uid, st.Gid, uint32(st.Rdev)
	a.Atime, a.Atimensec = uint64(st.Atim.Sec), uint32(st.Atim.Nsec)
	a.Mtime, a.Mtimensec = uint64(st.Mtim.Sec), uint32(st.Mtim.Nsec)
	a.Ctime, a.Ctimensec = uint64(st.Ctim.Sec), uint32(st.Ctim.Nsec)
}

// Readdir lists a folder.
func (n *sharedNode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	if slices.Contains(unshared, n.path()) {
		return fs.NewListDirStream(nil), 0
	}
	fd, err := unix.Open(n.real(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fs.ToErrno(err)
	}
	return n.open.folder(fd)
}

// Readlink is readlink(2).
func (n *sharedNode) Readlink(context.Context) ([]byte, syscall.Errno) {
	to := make([]byte, unix.PathMax)
	l, err := unix.Readlink(n.real(), to)
	return to[:max(l, 0)], fs.ToErrno(err)
}

// Statfs is statfs(2).
func (n *sharedNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	var st syscall.Statfs_t
	err := syscall.Statfs(n.real(), &st)
	out.FromStatfsT(&st)
	return fs.ToErrno(err)
}

// Unlink refuses: the library would forget the entry and report success.
func (n *sharedNode) Unlink(context.Context, string) syscall.Errno { return unix.EROFS }

// Rmdir refuses as Unlink does.
func (n *sharedNode) Rmdir(context.Context, string) syscall.Errno { return unix.EROFS }

// Flush is for files that are written to: after this error, the guest's kernel sends no more of it.
func (n *sharedNode) Flush(context.Context, fs.FileHandle) syscall.Errno { return unix.ENOSYS }

// Open opens a regular file for reading. The guest's kernel opens others itself.
func (n *sharedNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&unix.O_ACCMODE != unix.O_RDONLY {
		return nil, 0, unix.EROFS
	}
	// To open a device may do something. Nothing is opened by O_PATH, so the file is looked at first.
	path, err := unix.Open(n.real(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	defer unix.Close(path)
	var st unix.Stat_t
	if err := unix.Fstat(path, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || ofKernel(path) {
		return nil, 0, unix.EACCES
	}
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	f, errno := n.open.add(fd)
	if errno != 0 {
		return nil, 0, errno
	}
	return f, fuse.FOPEN_KEEP_CACHE, 0
}

// ofKernel reports whether a file belongs to the processes or devices of the machine. Their file
// systems may be mounted in other places than those of unshared, as in a folder for chroot(8).
func ofKernel(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) != nil || st.Type == unix.PROC_SUPER_MAGIC || st.Type == unix.SYSFS_MAGIC
}
