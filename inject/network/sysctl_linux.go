package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/internal/spell"
)

// setSysctl sets a parameter in the namespace of the calling thread. host is only for messages.
func setSysctl(host, name, value string) error {
	path := sysctlPath(name)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("setting sysctl %s of %s: this kernel has no such parameter%s: %w",
			name, host, similar(name), unix.ENOENT)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("setting sysctl %s of %s: it is read-only in a network namespace: %w",
			name, host, errnoOf(err))
	case err != nil:
		return fmt.Errorf("setting sysctl %s of %s: %w", name, host, err)
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		return fmt.Errorf("setting sysctl %s of %s to %q: %w", name, host, value, errnoOf(err))
	}
	return nil
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

// NearestSysctl returns the kernel parameter that was probably meant by a name that the running
// kernel does not have: the most similar one in the same folder. It returns "" if the kernel has
// the parameter, or if no name is similar.
func NearestSysctl(name string) string {
	path := sysctlPath(name)
	if _, err := os.Stat(path); err == nil {
		return ""
	}
	var names []string
	entries, _ := os.ReadDir(filepath.Dir(path)) // a folder that does not exist has no names
	for _, e := range entries {
		names = append(names, e.Name())
	}
	nearest := spell.Nearest(filepath.Base(path), names)
	if nearest == "" {
		return ""
	}
	return strings.ReplaceAll(strings.TrimPrefix(filepath.Dir(path), "/proc/sys/"), "/", ".") +
		"." + nearest
}

// similar returns a suggestion for the name of a parameter that the kernel does not have, or "".
func similar(name string) string {
	if meant := NearestSysctl(name); meant != "" {
		return fmt.Sprintf(" (did you mean %s?)", meant)
	}
	return ""
}
