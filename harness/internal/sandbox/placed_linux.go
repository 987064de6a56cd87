package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// PlacedFile is a file that a [Root] has at Path, in place of the machine's or where the machine has
// none.
type PlacedFile struct {
	// Path is absolute.
	Path string
	// Text is what is in the file, and Mode its permissions.
	Text string
	Mode uint32
	// From, if not "", is the absolute path of a file or folder of the machine that is at Path instead,
	// read-only.
	From string
}

// PlaceError says why a [PlacedFile] cannot be where it should, whatever the machine allows.
type PlaceError struct {
	Path string
	Err  error
}

func (e *PlaceError) Error() string { return fmt.Sprintf("placing %s: %v", e.Path, e.Err) }

// Unwrap returns the reason.
func (e *PlaceError) Unwrap() error { return e.Err }

// mostSplit bounds the entries of a folder of the machine in which files are placed. Each is a mount.
const mostSplit = 5000

// texts is a file system that no path leads to. The texts of placed files are there.
type texts struct {
	fd    int
	files int
}

func newTexts() (*texts, error) {
	config, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, oldKernel("making a file system for placed files", err)
	}
	defer unix.Close(config)
	if err := unix.FsconfigCreate(config); err != nil {
		return nil, mountError("making a file system for placed files", err)
	}
	fd, err := unix.Fsmount(config, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return nil, mountError("making a file system for placed files", err)
	}
	return &texts{fd: fd}, nil
}

// tree makes a file and returns it as a mount that can be attached.
func (t *texts) tree(text string, mode uint32) (tree int, err error) {
	t.files++
	name := strconv.Itoa(t.files)
	fd, err := unix.Openat(t.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(fs.FileMode(mode&0o777)), f.Close()); err != nil {
		return -1, err
	}
	return unix.OpenTree(t.fd, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
}

// place puts files in the new root.
func place(files []PlacedFile) error {
	if len(files) == 0 {
		return nil
	}
	t, err := newTexts()
	if err != nil {
		return err
	}
	defer unix.Close(t.fd)
	for i := range files {
		if err := t.place(&files[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *texts) place(f *PlacedFile) error {
	tree, folder := -1, false
	if f.From == "" {
		var err error
		if tree, err = t.tree(f.Text, f.Mode); err != nil {
			return err
		}
	} else {
		info, err := os.Stat(f.From)
		if err != nil {
			return err
		}
		folder = info.IsDir()
		if tree, err = copyTree(f.From, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV); err != nil {
			return err
		}
	}
	defer unix.Close(tree)
	if err := room(f.Path, folder); err != nil {
		return err
	}
	return attach(tree, base+f.Path)
}

// room makes sure that there is a file or folder in the new root to mount on.
func room(path string, folder bool) error {
	info, err := os.Lstat(base + path)
	switch {
	case err == nil && (info.IsDir() != folder || !folder && !info.Mode().IsRegular()):
		return &PlaceError{path, fmt.Errorf("the machine has %s there", kindOf(info))}
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR):
		return err
	}
	// The nearest folder that is there must become one in which something can be made.
	dir := filepath.Dir(path)
	for {
		info, err := os.Lstat(base + dir)
		if err == nil && !info.IsDir() {
			return &PlaceError{path, fmt.Errorf("%s is %s, not a folder", dir, kindOf(info))}
		}
		if err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	if err := placeFor(path, folder); !errors.Is(err, unix.EROFS) && !errors.Is(err, unix.EACCES) {
		return err
	}
	if err := split(dir); err != nil {
		return &PlaceError{path, err}
	}
	return placeFor(path, folder)
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "a folder"
	case info.Mode()&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.Mode().IsRegular():
		return "a file"
	}
	return "neither a file nor a folder"
}

// split replaces a folder of the new root by one of the lab with the same entries.
func split(dir string) error {
	entries, err := os.ReadDir(base + dir)
	if err != nil {
		return err
	}
	if len(entries) > mostSplit {
		return fmt.Errorf("%s has %d entries: want at most %d where a file is placed among them",
			dir, len(entries), mostSplit)
	}
	old, err := copyTree(base+dir, 0)
	if err != nil {
		return err
	}
	defer unix.Close(old)
	info, err := os.Stat(base + dir)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", base+dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return mountError("mounting a folder over "+dir, err)
	}
	for _, e := range entries {
		if err := adopt(old, base+dir, e); err != nil {
			return err
		}
	}
	return os.Chmod(base+dir, info.Mode().Perm())
}

// adopt puts an entry of the folder old into dir.
func adopt(old int, dir string, e fs.DirEntry) error {
	name := e.Name()
	path := filepath.Join(dir, name)
	switch {
	case e.Type() == fs.ModeSymlink:
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(old, name, buf)
		if err != nil {
			return err
		}
		return os.Symlink(string(buf[:n]), path)
	case e.IsDir():
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
	case e.Type().IsRegular():
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return err
		}
	default:
		return nil // sockets, pipes and devices are left out
	}
	tree, err := unix.OpenTree(old, name,
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	return attach(tree, path)
}
