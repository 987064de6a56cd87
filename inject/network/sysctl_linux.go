package network

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/internal/spell"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

// setSysctl sets a parameter in the namespace of the calling thread. host is only for messages. The
// error is a *[SysctlError].
func setSysctl(host, name, value string) error {
	fd, err := openSysctl(name, "host "+host)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	errno := uninterrupted(func() error {
		n, err := unix.Write(fd, []byte(value))
		if err == nil && n < len(value) {
			err = io.ErrShortWrite
		}
		return err
	})
	if errno != nil {
		failed := &SysctlError{
			Cause: fmt.Errorf("setting sysctl %s of %s to %q: %w", name, host, value, errno), Errno: errno,
		}
		if invalid, ok := errno.(unix.Errno); ok && slices.Contains(
			[]unix.Errno{unix.EINVAL, unix.ERANGE, unix.EDOM, unix.EOVERFLOW}, invalid) {
			failed.Cause = refused(name, value, unix.ErrnoName(invalid))
		}
		if name == congestionControl && errno == unix.ENOENT {
			// A file that cannot be read has no names to list.
			known, _ := os.ReadFile(sysctlPath("net.ipv4.tcp_available_congestion_control"))
			failed.Cause = noAlgorithm(value, "host "+host, strings.Fields(string(known)))
		}
		return failed
	}
	return nil
}

// readSysctl reads a parameter of the namespace of the calling thread, with single blanks; ok is
// false if the kernel does not have it. host is only for messages.
func readSysctl(host, name string) (value string, ok bool, err error) {
	text, err := os.ReadFile(sysctlPath(name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("reading sysctl %s of %s: %w", name, host, err)
	}
	return strings.Join(strings.Fields(string(text)), " "), true, nil
}

// openSysctl opens a parameter of the namespace of the calling thread for writing. A lab sets some
// hundred; an os.File would be added to and taken from an epoll for each.
func openSysctl(name, neededBy string) (fd int, err error) {
	err = uninterrupted(func() (err error) {
		fd, err = unix.Open(sysctlPath(name), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		return err
	})
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, os.ErrNotExist):
		return -1, &SysctlError{
			Cause: unsettable(name, neededBy, nearest(name), false), Errno: errnoOf(err),
		}
	case errors.Is(err, os.ErrPermission):
		return -1, &SysctlError{Cause: unsettable(name, neededBy, "", true), Errno: errnoOf(err)}
	}
	return -1, &SysctlError{
		Cause: fmt.Errorf("opening sysctl %s: %w", name, err), Errno: errnoOf(err),
	}
}

// uninterrupted calls f again while a signal interrupts it.
func uninterrupted(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

func errnoOf(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// sysctlPath turns dots into slashes. A slash in the name stands for a dot in an interface's name,
// as in sysctl(8).
func sysctlPath(name string) string {
	return "/proc/sys/" + strings.NewReplacer(".", "/", "/", ".").Replace(name)
}

// HasSysctl reports whether the namespace of the calling thread has a parameter, be it only to be
// read.
func HasSysctl(name string) bool {
	_, err := os.Stat(sysctlPath(onAnyDevice(name)))
	return err == nil
}

// lacksSysctl reports whether the running kernel does not have a parameter, not even for the whole
// machine. Parameters of connection tracking and other modules may come later, with their folder.
func lacksSysctl(name string) bool {
	path := sysctlPath(onAnyDevice(name))
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// nearest returns the parameter that was probably meant by a name which the namespace of the
// calling thread does not have: the most similar one in the same folder that can be set; "" if none
// is similar.
func nearest(name string) string {
	path := sysctlPath(name)
	entries, _ := os.ReadDir(filepath.Dir(path)) // a folder that does not exist has no names
	var names []string
	folder := name[:strings.LastIndexByte(name, '.')+1]
	for _, e := range entries {
		info, err := e.Info()
		p, _ := sysctl.Find(folder + e.Name())
		if err == nil && info.Mode()&0o222 != 0 && p.Scope == sysctl.Namespace {
			names = append(names, e.Name())
		}
	}
	if found := spell.Nearest(filepath.Base(path), names); found != "" {
		return folder + found
	}
	return ""
}

// TrySysctls sets each list of parameters, in its order, in a namespace made for it alone, and
// returns why each could not be set: a *[SysctlError], or nil. The namespaces have no devices, so
// what is set for a device is tried on the defaults of new ones. The caller needs CAP_SYS_ADMIN,
// and a /proc with writable parameters.
func TrySysctls(lists [][]language.Sysctl) ([][]error, error) {
	tried := make([][]error, len(lists))
	for i, list := range lists {
		ns, err := newNamespace("a trial", true)
		if err != nil {
			return nil, err
		}
		tried[i] = make([]error, len(list))
		_ = ns.Do(func() error { // it returns nil
			for k, s := range list {
				tried[i][k] = setSysctl("a trial", onAnyDevice(s.Name), s.Value)
			}
			return nil
		})
		if err := ns.close(); err != nil {
			return nil, fmt.Errorf("closing the namespace of a trial: %w", err)
		}
	}
	return tried, nil
}

// TryCongestionControl tries whether sockets can have a congestion control, in a namespace made for
// this alone: the kernel loads its module if it may. The error is a *[SysctlError].
func TryCongestionControl(name string) error {
	tried, err := TrySysctls([][]language.Sysctl{{{Name: congestionControl, Value: name}}})
	if err != nil {
		return err
	}
	if err := tried[0][0]; !errors.Is(err, unix.EPERM) {
		return err
	}
	return nil // routes may name it
}

// onAnyDevice returns the parameter's twin that a namespace without devices has.
func onAnyDevice(name string) string {
	switch sysctl.Device(name) {
	case "", "all", "default":
		return name
	}
	if strings.Contains(name, ".neigh.") {
		return sysctl.ForDevice(name, "lo") // only the machine has neigh.default
	}
	return sysctl.ForDevice(name, "default")
}
