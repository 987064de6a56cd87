package vm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A snapshot is a guest in warped time that has booted, loaded its modules, and rests: it has not been told yet what to do. It is
// one file, the guest's memory and behind it the state of its devices. To restore it takes a fraction of a boot, and what
// comes then takes place at the same times whenever it is restored.

const (
	// keptSnapshots is how many stay in the cache: some 140 MB each.
	keptSnapshots = 4
	// snapshotBytes must be free on the disk before one is written.
	snapshotBytes = 300 << 20
)

// snapshotDir is where snapshots are kept.
func snapshotDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "halfopen", "guests"), nil
}

// snapshotPath is where a snapshot is, or is to be: its name is the hash of all that it depends on. initramfs is the identity of
// the guest's.
func (o *Options) snapshotPath(qemu, initramfs string) (string, error) {
	dir, err := snapshotDir()
	if err != nil {
		return "", err
	}
	program, err := os.Stat(qemu)
	if err != nil {
		return "", err
	}
	image, err := os.ReadFile(o.Kernel.Image)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, qemu, identityOf(program), o.args(saving))
	fmt.Fprintln(h, initramfs)
	h.Write(image)
	return filepath.Join(dir, fmt.Sprintf("%.16x", h.Sum(nil))), nil
}

// openSnapshot opens one of the cache; each use makes it young again.
func openSnapshot(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it may have had to make room meanwhile; the file is there as long as it is open
	return f, nil
}

// errNoSnapshot is why guests cannot go on from snapshots here, although they come up.
var errNoSnapshot = errors.New("going on from a snapshot of the guest")

// takeSnapshot boots a guest until it rests, and returns its snapshot, a file in memory: on a disk it would be written back again
// and again while the guest boots. The error is errNoSnapshot, or that of a guest that cannot be packed or does not come up.
func (o *Options) takeSnapshot(ctx context.Context, qemu string, files *initramfs) (*os.File, error) {
	boots, err := o.bootFiles(saving, files.archive)
	if err != nil {
		return nil, err
	}
	defer boots.close()
	o.stage("packed")
	snapshot, err := memoryFile("guest", nil)
	if err != nil {
		return nil, err
	}
	if err := o.snapshotTo(ctx, qemu, snapshot, boots); err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	o.stage("saved")
	return snapshot, nil
}

func (o *Options) snapshotTo(ctx context.Context, qemu string, snapshot *os.File, boots machineFiles) error {
	size := int64(o.memory()) << 20
	if err := snapshot.Truncate(size); err != nil {
		return fmt.Errorf("making the guest's memory: %w", err)
	}
	boots.memory = snapshot
	m, err := startMachine(qemu, boots, saving, o)
	if err != nil {
		return err
	}
	defer m.close()
	defer context.AfterFunc(ctx, m.kill)()
	if err := m.monitor.greet(saving.patience()); err != nil {
		return m.noSnapshot(ctx, err)
	}
	switch _, err := m.monitor.await("STOP"); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return o.problem(m, false, fmt.Sprintf("the guest did not come up within %s", saving.patience()))
	case err != nil:
		m.kill() // then its console is whole
		if strings.Contains(m.console.String(), stagePrefix) {
			return m.noSnapshot(ctx, errors.New("the guest cannot rest")) // it did come up
		}
		return o.problem(m, false, "the guest ended before it came up")
	}
	if err := m.save(snapshot, size); err != nil {
		return m.noSnapshot(ctx, err)
	}
	return nil
}

// noSnapshot is an error of a machine that is to be saved or restored, with what QEMU has to say of it.
func (m *machine) noSnapshot(ctx context.Context, err error) error {
	m.kill()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if words := m.lastWords(); words != "" {
		err = fmt.Errorf("%w (%s)", err, words)
	}
	return fmt.Errorf("%w: %w", errNoSnapshot, err)
}

// save writes the state of a machine that rests behind its memory.
func (m *machine) save(snapshot *os.File, memory int64) error {
	if err := m.monitor.within(saving.patience()); err != nil {
		return err
	}
	if _, err := snapshot.Seek(memory, io.SeekStart); err != nil {
		return err
	}
	if err := m.monitor.orderWith(snapshot, "getfd", map[string]any{"fdname": "state"}); err != nil {
		return err
	}
	if err := m.monitor.order("migrate", map[string]any{"uri": "fd:state"}); err != nil {
		return err
	}
	return m.monitor.migrated()
}

// keepSnapshot puts a copy of a snapshot into the cache, unless it is canceled before that is done. A file that is not whole has no
// name, so none is ever used, and none is left if this process is killed.
func keepSnapshot(ctx context.Context, snapshot *os.File, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keeping a snapshot of the guest: %w", err)
		}
	}()
	// It is opened once more, for its offset is QEMU's.
	from, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", snapshot.Fd()))
	if err != nil {
		return err
	}
	defer from.Close()
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	to, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if haveRoom(to, snapshotBytes) != nil {
		makeRoom(dir)
		if err := haveRoom(to, snapshotBytes); err != nil {
			return err
		}
	}
	if err := copySparse(ctx, to, from); err != nil {
		return err
	}
	if err := to.Sync(); err != nil { // named, it must be whole even if the machine loses its power
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // its guest has failed, or the user has left: others need not make room for it
	}
	makeRoom(dir)
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", to.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process has been faster
	}
	return err
}

// haveRoom looks whether a file can grow by so much.
func haveRoom(f *os.File, bytes uint64) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return err
	}
	if free := st.Bavail * uint64(st.Bsize); free < bytes {
		return fmt.Errorf("%d MB are free on its disk, it needs %d", free>>20, bytes>>20)
	}
	return nil
}

// copySparse copies what is not a hole.
func copySparse(ctx context.Context, to, from *os.File) error {
	const most = 8 << 20 // at once: a few milliseconds
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		begin, err := from.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // there is nothing behind
		}
		if err != nil {
			return err
		}
		end, err := from.Seek(begin, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		end = min(end, begin+most)
		if _, err := to.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(to, io.NewSectionReader(from, begin, end-begin)); err != nil {
			return err
		}
		at = end
	}
}

// makeRoom removes the snapshots that were not used for longest. Guests that still run on them are not disturbed.
func makeRoom(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	used := func(e os.DirEntry) time.Time {
		info, err := e.Info()
		if err != nil {
			return time.Time{} // it has gone
		}
		return info.ModTime()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return used(b).Compare(used(a)) })
	for _, e := range entries[min(keptSnapshots-1, len(entries)):] {
		_ = os.Remove(filepath.Join(dir, e.Name())) // the next time, then
	}
}

// restore starts a machine from a snapshot, with a job to do.
func (o *Options) restore(ctx context.Context, qemu string, snapshot *os.File, work []byte) (*machine, error) {
	packed, err := squeeze(work)
	if err != nil {
		return nil, err
	}
	job, err := memoryFile("job", packed)
	if err != nil {
		return nil, err
	}
	defer job.Close()
	m, err := startMachine(qemu, machineFiles{memory: snapshot, state: snapshot, job: job}, restored, o)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, m.kill)
	defer stop()
	if err := m.resume(snapshot, int64(o.memory())<<20); err != nil {
		defer m.close()
		return nil, m.noSnapshot(ctx, fmt.Errorf("restoring it: %w", err))
	}
	o.stage("restored")
	return m, nil
}

func (m *machine) resume(snapshot *os.File, at int64) error {
	if err := m.monitor.greet(restored.patience()); err != nil {
		return err
	}
	if _, err := snapshot.Seek(at, io.SeekStart); err != nil {
		return err
	}
	if err := m.monitor.order("migrate-incoming", map[string]any{"uri": fmt.Sprintf("fd:%d", stateDescriptor)}); err != nil {
		return err
	}
	if err := m.monitor.migrated(); err != nil {
		return err
	}
	return m.monitor.order("cont", nil)
}

// memoryFile returns a file in memory.
func memoryFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("halfopen-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		return nil, errors.Join(fmt.Errorf("filling a file in memory: %w", err), f.Close())
	}
	return f, nil
}
