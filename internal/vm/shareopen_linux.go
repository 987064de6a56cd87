package vm

import (
	"context"
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// mostOpen bounds the files and folders of the machine that a guest has open at once. A process of
// it has some twenty, its libraries.
const mostOpen = 16 << 10

// openFiles are the files and folders of the machine that a guest has open. It needs no lock: a guest's
// requests are answered one after another.
type openFiles struct {
	most int
	all  map[*sharedFile]bool
}

func newOpenFiles() *openFiles { return &openFiles{mostOpen, map[*sharedFile]bool{}} }

// add returns the file of a descriptor, which it takes. The error is ENFILE if too many are open.
func (o *openFiles) add(fd int) (*sharedFile, syscall.Errno) {
	if len(o.all) >= o.most {
		_ = unix.Close(fd) // nothing was written
		return nil, unix.ENFILE
	}
	f := &sharedFile{fd, o}
	o.all[f] = true
	return f, 0
}

// folder returns the entries of the folder of a descriptor, as add does.
func (o *openFiles) folder(fd int) (fs.DirStream, syscall.Errno) {
	f, errno := o.add(fd)
	if errno != 0 {
		return nil, errno
	}
	entries, errno := fs.NewLoopbackDirStreamFd(fd)
	if errno != 0 {
		_ = f.close()
		return nil, errno
	}
	return &sharedFolder{entries, entries.(fs.FileSeekdirer), f}, 0
}

// close closes what the guest has not closed: it may have been killed.
func (o *openFiles) close() error {
	var err error
	for f := range o.all {
		err = errors.Join(err, f.close())
	}
	return err
}

// sharedFile is an open file.
type sharedFile struct {
	fd   int
	open *openFiles
}

var (
	_ fs.FileReader   = (*sharedFile)(nil)
	_ fs.FileReleaser = (*sharedFile)(nil)
)

func (f *sharedFile) close() error {
	delete(f.open.all, f)
	return unix.Close(f.fd)
}

// Read reads at an offset.
func (f *sharedFile) Read(_ context.Context, p []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	n, err := unix.Pread(f.fd, p, at)
	return fuse.ReadResultData(p[:max(n, 0)]), fs.ToErrno(err)
}

// Release closes the file.
func (f *sharedFile) Release(context.Context) syscall.Errno { return fs.ToErrno(f.close()) }

// sharedFolder is an open folder.
type sharedFolder struct {
	fs.DirStream
	fs.FileSeekdirer
	file *sharedFile
}

// Close closes the folder.
func (f *sharedFolder) Close() { _ = f.file.close() } // nothing was written
