//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"halfopen/internal/wholefile"
)

// Fitting the programs to the kernel takes 7 of the 16 ms of processor time of [Open], and the
// result is the same at each start. So it is kept in the user's cache, if nobody else can write
// there.

const (
	// keptFits is how many fits are kept: two of this kernel, and of some that were booted before.
	keptFits = 8
	// largestFit bounds a file of the cache. One has some 40 kB.
	largestFit = 1 << 20
	// fitVersion changes with the meaning of fitted.
	fitVersion = 1
)

// notesPath has the build ID of the running kernel, which no other build has.
const notesPath = "/sys/kernel/notes"

// fitFast returns what fit returns, from the cache if it is there.
func (o *object) fitFast() (*fitted, error) {
	path, err := o.fitPath(notesPath, typesPath)
	if err != nil {
		return o.fit()
	}
	if f, err := o.loadFit(path); err == nil {
		return f, nil
	}
	f, err := o.fit()
	if err == nil {
		_ = saveFit(path, f) // if it is not kept, the next start works it out again
	}
	return f, err
}

// fitPath returns the path of the fit for the kernel with these notes and types: its name is the
// hash of everything that it depends on.
func (o *object) fitPath(notes, types string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	id, err := os.ReadFile(notes)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(types)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, fitVersion, len(id), info.Size(), sha256.Sum256(o.bytes))
	h.Write(id)
	return filepath.Join(dir, "halfopen", "programs", fmt.Sprintf("%.16x", h.Sum(nil))), nil
}

var errUntrusted = errors.New("others can write it")

// private returns an error if anyone but this user can change a file or directory.
func private(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s: %w", info.Name(), errUntrusted)
	}
	return nil
}

// loadFit reads a fit. What others could have written is not read: the programs run in the kernel.
func (o *object) loadFit(path string) (*fitted, error) {
	dir, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, largestFit))
	if err != nil {
		return nil, err
	}
	return o.decodeFit(data)
}

// saveFit writes a fit, and removes the oldest others.
func saveFit(path string, f *fitted) error {
	data, err := f.encode()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err = wholefile.Write(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return dropFits(dir)
}

// dropFits removes all but the newest fits.
func dropFits(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else another process has removed it
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	var errs []error
	for _, old := range files[min(keptFits, len(files)):] {
		errs = append(errs, os.Remove(filepath.Join(dir, old.Name())))
	}
	return errors.Join(errs...)
}

// encode returns the fit with its hash, by which a damaged file is found out.
func (f *fitted) encode() ([]byte, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%x\n%s", sha256.Sum256(data), data), nil
}

var errDamaged = errors.New("the file is damaged")

func (o *object) decodeFit(text []byte) (*fitted, error) {
	sum, data, _ := bytes.Cut(text, []byte("\n"))
	if want := sha256.Sum256(data); string(sum) != hex.EncodeToString(want[:]) {
		return nil, errDamaged
	}
	f := &fitted{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, err
	}
	for _, p := range f.Programs {
		if p.Point < 0 || p.Point >= len(o.points) {
			return nil, errDamaged
		}
	}
	return f, nil
}
