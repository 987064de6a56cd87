package vm

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// initramfs is the guest's file system in the making: a cpio archive (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst).
type initramfs struct {
	w     cpio.RecordWriter
	inner *bytes.Buffer
	have  map[string]bool
	err   error
}

func newInitramfs() *initramfs {
	var b bytes.Buffer
	i := &initramfs{inner: &b, have: map[string]bool{".": true, "/": true, "": true}}
	i.w = cpio.Newc.Writer(&b)
	for _, dir := range []string{"proc", "sys", "dev", "run", "tmp", "etc", "root", "var/lock"} {
		i.dir(dir)
	}
	i.file("etc/hosts", []byte("127.0.0.1 localhost\n"), 0o644)
	i.file("etc/passwd", []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644)
	// Some programs look protocols up by name.
	i.file("etc/protocols", []byte("icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n"), 0o644)
	return i
}

func (i *initramfs) record(r cpio.Record) {
	if i.err == nil {
		i.err = i.w.WriteRecord(cpio.MakeReproducible(r))
	}
}

// dir adds a directory and those above it.
func (i *initramfs) dir(path string) {
	path = strings.Trim(path, "/")
	if i.have[path] {
		return
	}
	i.dir(filepath.Dir(path))
	i.have[path] = true
	i.record(cpio.Directory(path, 0o755))
}

func (i *initramfs) file(path string, data []byte, mode uint64) {
	path = strings.Trim(path, "/")
	if i.have[path] {
		return
	}
	i.dir(filepath.Dir(path))
	i.have[path] = true
	i.record(cpio.StaticFile(path, string(data), mode))
}

// copy adds a file of the host under the same name, and where that is a symbolic link, what it stands for.
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
	path = strings.Trim(path, "/")
	if i.have[path] {
		return
	}
	i.dir(filepath.Dir(path))
	i.have[path] = true
	i.record(cpio.Symlink(path, to))
}

// program adds a program and the libraries it needs.
func (i *initramfs) program(path string) error {
	if err := i.copy(path); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("adding %s to the guest: %w", path, err)
	}
	libs, err := libraries(real)
	if err != nil {
		return err
	}
	for _, lib := range libs {
		if err := i.copy(lib); err != nil {
			return err
		}
	}
	return nil
}

// archive finishes the archive and returns it.
func (i *initramfs) archive() ([]byte, error) {
	if i.err == nil {
		i.err = cpio.WriteTrailer(i.w)
	}
	if i.err != nil {
		return nil, fmt.Errorf("writing the guest's initramfs: %w", i.err)
	}
	return i.inner.Bytes(), nil
}

// withFile returns an archive and behind it another one, with one more file, which the kernel unpacks as if they were one.
func withFile(archive []byte, path string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	more := &initramfs{w: cpio.Newc.Writer(&b), inner: &b, have: map[string]bool{}}
	more.have[strings.Trim(filepath.Dir(path), "/")] = true
	more.file(path, data, 0o644)
	second, err := more.archive()
	return slices.Concat(archive, second), err
}
