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

// A snapshot is a guest in warped time that has booted, has loaded its modules, and rests before it
// has a job. It is one file: the guest's memory, followed by the state of its devices. Restoring it
// takes a fraction of a boot, and later events happen at the same times whenever it is restored.

const (
	// keptSnapshots is the number of snapshots in the cache, of some 140 MB each.
	keptSnapshots = 4
	// snapshotBytes must be free on the disk before a snapshot is written.
	snapshotBytes = 300 << 20
)

// snapshotDir returns the directory of the snapshots.
func snapshotDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "halfopen", "guests"), nil
}

// snapshotPath returns the path of a snapshot, which may not exist yet: its name is the hash of
// everything that it depends on. initramfs is the identity of the guest's initramfs.
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

// openSnapshot opens a snapshot of the cache and marks it as just used.
func openSnapshot(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	// it may have been removed meanwhile to make room; the open file stays
	_ = os.Chtimes(path, now, now)
	return f, nil
}

// errNoSnapshot is the reason why guests come up here, but cannot continue from snapshots.
var errNoSnapshot = errors.New("continuing from a snapshot of the guest")

// takeSnapshot boots a guest until it rests, and returns its snapshot, a file in memory: a disk
// would write it back again and again while the guest boots. The error is errNoSnapshot, or the
// error of a guest that cannot be packed or does not come up.
func (o *Options) takeSnapshot(
	ctx context.Context, qemu string, files *initramfs,
) (*os.File, error) {
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

func (o *Options) snapshotTo(
	ctx context.Context, qemu string, snapshot *os.File, boots machineFiles,
) error {
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
		m.kill() // after this, its console is complete
		if strings.Contains(m.console.String(), stagePrefix) {
			return m.noSnapshot(ctx, errors.New("the guest cannot stop for a snapshot")) // it did come up
		}
		return o.problem(m, false, "the guest ended before it came up")
	}
	if err := m.save(snapshot, size); err != nil {
		return m.noSnapshot(ctx, err)
	}
	return nil
}

// noSnapshot returns the error of a machine that cannot be saved or restored, with QEMU's last
// words.
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

// save appends the state of a machine that rests to its memory in the snapshot.
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

// keepSnapshot puts a copy of a snapshot into the cache, unless ctx is canceled before it is done.
// An incomplete file has no name, so it is never used, and disappears if this process is killed.
func keepSnapshot(ctx context.Context, snapshot *os.File, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keeping a snapshot of the guest: %w", err)
		}
	}()
	// Open it again: the offset of the other descriptor belongs to QEMU.
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
	if err := to.Sync(); err != nil { // a file with a name must be complete, even after a power loss
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // its guest has failed, or the user has canceled: no other snapshot needs to make room
	}
	makeRoom(dir)
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", to.Fd()), unix.AT_FDCWD, path,
		unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	return err
}

// haveRoom returns an error if the disk of a file has fewer free bytes.
func haveRoom(f *os.File, bytes uint64) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return err
	}
	if free := st.Bavail * uint64(st.Bsize); free < bytes {
		return fmt.Errorf("%d MB are free on its disk, %d MB are needed", free>>20, bytes>>20)
	}
	return nil
}

// copySparse copies a file without its holes.
func copySparse(ctx context.Context, to, from *os.File) error {
	const most = 8 << 20 // between two looks at ctx: a few milliseconds
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		begin, err := from.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // no more data
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

// makeRoom removes the snapshots that were unused for longest. Guests that run on them are not
// disturbed.
func makeRoom(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	used := func(e os.DirEntry) time.Time {
		info, err := e.Info()
		if err != nil {
			return time.Time{} // it was removed
		}
		return info.ModTime()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return used(b).Compare(used(a)) })
	for _, e := range entries[min(keptSnapshots-1, len(entries)):] {
		_ = os.Remove(filepath.Join(dir, e.Name())) // left for the next time
	}
}

// restore starts a machine from a snapshot, with a job to do.
func (o *Options) restore(
	ctx context.Context, qemu string, snapshot *os.File, work []byte,
) (*machine, error) {
	packed, err := squeeze(work)
	if err != nil {
		return nil, err
	}
	job, err := memoryFile("job", packed)
	if err != nil {
		return nil, err
	}
	defer job.Close()
	m, err := startMachine(qemu, machineFiles{memory: snapshot, state: snapshot, job: job},
		restored, o)
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
	if err := m.monitor.order("migrate-incoming",
		map[string]any{"uri": fmt.Sprintf("fd:%d", stateDescriptor)}); err != nil {
		return err
	}
	if err := m.monitor.migrated(); err != nil {
		return err
	}
	// The window is not in the snapshot: QEMU wants memory that it leaves out at the address where it
	// was, and this memory has no address before the guest gives it one.
	if err := m.monitor.order("device_add",
		map[string]any{"driver": windowDevice, "memdev": "window"}); err != nil {
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
