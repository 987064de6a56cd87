package vm

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// initramfs is the guest's file system as it is built: the contents of a cpio archive (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst), in order. Contents that are slow to
// read are read only for an archive: a restored guest needs none.
type initramfs struct {
	parts []part
	have  map[string]bool
}

// part is a few records of the archive.
type part struct {
	// identity is a text that differs whenever the records differ.
	identity string
	records  func() ([]cpio.Record, error)
}

func newInitramfs() *initramfs {
	i := &initramfs{have: map[string]bool{".": true, "/": true, "": true}}
	for _, dir := range []string{"dev", "machine", "proc", "sys"} {
		i.dir(dir)
	}
	return i
}

// add adds a part after the directories above path, unless the initramfs has path already.
func (i *initramfs) add(path, identity string, records func() ([]cpio.Record, error)) {
	if i.have[path] {
		return
	}
	i.dir(filepath.Dir(path))
	i.have[path] = true
	i.parts = append(i.parts, part{identity, records})
}

func (i *initramfs) record(r cpio.Record, identity string) {
	i.add(r.Name, fmt.Sprintf("%s %o %s", r.Name, r.Mode, identity),
		func() ([]cpio.Record, error) { return []cpio.Record{r}, nil })
}

// dir adds a directory and those above it.
func (i *initramfs) dir(path string) {
	path = strings.Trim(path, "/")
	if i.have[path] {
		return
	}
	i.record(cpio.Directory(path, 0o755), "")
}

func (i *initramfs) file(path string, data []byte, mode uint64) {
	i.record(cpio.StaticFile(strings.Trim(path, "/"), string(data), mode),
		fmt.Sprintf("%x", sha256.Sum256(data)))
}

// copy adds a file of the host under the same name. If it is a symbolic link, its target is added
// too.
func (i *initramfs) copy(path string) error {
	if i.have[strings.Trim(path, "/")] {
		return nil
	}
	// Directories that are links, as /lib is to /usr/lib, are kept as links.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("adding %s to the guest: %w", path, err)
	}
	if dir != filepath.Dir(path) {
		real := filepath.Join(dir, filepath.Base(path))
		if err := i.copy(real); err != nil {
			return err
		}
		i.link(path, real)
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("adding %s to the guest: %w", path, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		if err != nil {
			return fmt.Errorf("adding %s to the guest: %w", path, err)
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		i.link(path, to)
		return i.copy(to)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("adding %s to the guest: %w", path, err)
	}
	i.file(path, data, uint64(info.Mode().Perm()))
	return nil
}

func (i *initramfs) link(path, to string) {
	i.record(cpio.Symlink(strings.Trim(path, "/"), to), to)
}

// identity returns a text that differs whenever the archive differs.
func (i *initramfs) identity() string {
	h := sha256.New()
	for _, p := range i.parts {
		fmt.Fprintf(h, "%q\n", p.identity)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// archive reads the contents and returns the archive.
func (i *initramfs) archive() ([]byte, error) {
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	for _, p := range i.parts {
		records, err := p.records()
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if err := w.WriteRecord(cpio.MakeReproducible(r)); err != nil {
				return nil, fmt.Errorf("writing the guest's initramfs: %w", err)
			}
		}
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, fmt.Errorf("writing the guest's initramfs: %w", err)
	}
	return b.Bytes(), nil
}

// withFile returns an archive followed by another one with one more file. The kernel unpacks both
// as if they were one.
func withFile(archive []byte, path string, data []byte) ([]byte, error) {
	more := &initramfs{have: map[string]bool{strings.Trim(filepath.Dir(path), "/"): true}}
	more.file(path, data, 0o644)
	second, err := more.archive()
	return slices.Concat(archive, second), err
}
