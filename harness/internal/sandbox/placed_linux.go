package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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
	// From, if not "", is a file or folder of the machine that is at Path instead, read-only: a path below
	// the directory Dir, in which no part is a symbolic link.
	Dir, From string
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

// workshop is a folder of the new root where mounts are made. Older kernels copy mounts only from
// where they are attached.
const workshop = base + "/run/workshop"

// place puts files in the new root.
func (r *Root) place(files []PlacedFile) error {
	if len(files) == 0 {
		return nil
	}
	if err := os.Mkdir(workshop, 0o700); err != nil {
		return err
	}
	for i := range files {
		if err := r.placeOne(&files[i]); err != nil {
			return err
		}
	}
	return os.RemoveAll(workshop) // its files are mounted elsewhere
}

func (r *Root) placeOne(f *PlacedFile) error {
	const attributes = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	var tree int
	folder := false
	if f.From == "" {
		text, err := textFile(f.Text, f.Mode)
		if err != nil {
			return fmt.Errorf("placing %s: %w", f.Path, err)
		}
		if tree, err = copyTree(text, attributes); err != nil {
			return err
		}
	} else {
		from, err := f.open()
		if err != nil {
			return &PlaceError{f.Path, err}
		}
		defer from.Close()
		info, err := from.Stat()
		if err != nil {
			return err
		}
		if folder = info.IsDir(); !folder && !info.Mode().IsRegular() {
			return &PlaceError{f.Path, fmt.Errorf("%s is %s, not a file or folder", f.From, kindOf(info))}
		}
		if tree, err = copyTreeAt(int(from.Fd()), "", f.From, attributes|unix.MOUNT_ATTR_RDONLY); err != nil {
			return err
		}
	}
	defer unix.Close(tree)
	at := behind(f.Path)
	if err := r.room(at, folder); err != nil {
		return err
	}
	return attach(tree, base+at)
}

// open opens what is placed, without reading it, for [copyTreeAt]. Whoever looked before that it is below
// Dir may see another file now; this one is below it.
func (f *PlacedFile) open() (*os.File, error) {
	dir, err := unix.Open(f.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: f.Dir, Err: err}
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, f.From, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: f.From, Err: err}
	}
	return os.NewFile(uintptr(fd), f.From), nil
}

// textFile makes a file in the workshop and returns its path.
func textFile(text string, mode uint32) (path string, err error) {
	f, err := os.CreateTemp(workshop, "")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err // the path is no longer there when somebody reads it
	}
	return f.Name(), errors.Join(err, f.Chmod(fs.FileMode(mode&0o777)), f.Close())
}

// behind returns where a symbolic link of the machine leads, if that is in a private folder, such as
// that of /etc/resolv.conf, which often leads to /run. Else it returns the path itself.
func behind(path string) string {
	to, err := os.Readlink(base + path)
	if err != nil {
		return path
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	to = filepath.Clean(to) // "/run/../../x" leads out of the new root, to the machine
	if slices.ContainsFunc(private, func(dir string) bool { return below(to, dir) }) {
		return to
	}
	return path
}

// room makes sure that there is a file or folder in the new root to mount on.
func (r *Root) room(path string, folder bool) error {
	if err := withoutLinks(filepath.Dir(path)); err != nil {
		return &PlaceError{path, err}
	}
	info, err := os.Lstat(base + path)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink != 0:
		// The machine's link is left out.
		if err := r.split(filepath.Dir(path), filepath.Base(path)); err != nil {
			return &PlaceError{path, err}
		}
		return placeFor(path, folder)
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
	if err := r.split(dir, ""); err != nil {
		return &PlaceError{path, err}
	}
	return placeFor(path, folder)
}

// withoutLinks returns an error if a folder of the new root, or one above it, is a symbolic link. The
// new root is not the root of this process yet, so a link may lead out of it: what is made behind it
// would be made on the machine.
func withoutLinks(dir string) error {
	if dir == "/" {
		return nil
	}
	if err := withoutLinks(filepath.Dir(dir)); err != nil {
		return err
	}
	info, err := os.Lstat(base + dir)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is %s, not a folder", dir, kindOf(info))
	}
	return nil // whoever makes what is not there says why it cannot be made
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "a folder"
	case info.Mode()&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.Mode().IsRegular():
		return "a file"
	case info.Mode()&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case info.Mode()&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// split replaces a folder of the new root by one of the lab with the same entries, but for the one
// named without.
func (r *Root) split(dir, without string) error {
	entries, err := os.ReadDir(base + dir)
	if err != nil {
		return err
	}
	if len(entries) > mostSplit {
		return fmt.Errorf("%s has %d entries: want at most %d where a file is placed among them",
			dir, len(entries), mostSplit)
	}
	info, err := os.Stat(base + dir)
	if err != nil {
		return err
	}
	made, err := os.MkdirTemp(workshop, "")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", made, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return mountError("mounting a folder over "+dir, err)
	}
	for _, e := range entries {
		if e.Name() == without {
			continue
		}
		if err := adopt(filepath.Join(base+dir, e.Name()), filepath.Join(made, e.Name()), e.Type()); err != nil {
			return err
		}
	}
	if err := os.Chmod(made, info.Mode().Perm()); err != nil {
		return err
	}
	if err := unix.Mount(made, base+dir, "", unix.MS_MOVE, ""); err != nil {
		return mountError("mounting a folder over "+dir, err)
	}
	r.splits = append(r.splits, dir)
	return nil
}

// adopt puts an entry of a folder of the new root at another path.
func adopt(from, to string, kind fs.FileMode) error {
	switch {
	case kind == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case kind.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	case kind.IsRegular():
		if err := os.WriteFile(to, nil, 0o644); err != nil {
			return err
		}
	default:
		return nil // sockets, pipes and devices are left out
	}
	tree, err := copyTree(from, 0)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	return attach(tree, to)
}
