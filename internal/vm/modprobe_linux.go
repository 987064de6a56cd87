package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// allowModprobe lets programs of the guest load modules by what they do, as on the machine: a rule of
// iptables, for one, needs the module of its match.
func allowModprobe(paths map[string]string) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		fmt.Fprintf(&b, "%s %s\n", name, paths[name])
	}
	return errors.Join(
		os.WriteFile(foundModulesPath, []byte(b.String()), 0o644),
		os.WriteFile("/proc/sys/kernel/modprobe", []byte(modprobePath), 0),
	)
}

// modprobe does what the kernel runs [modprobePath] for.
func modprobe(alias string) error {
	list, err := os.ReadFile(foundModulesPath)
	if err != nil {
		return err
	}
	paths := map[string]string{}
	for line := range strings.Lines(string(list)) {
		name, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		paths[name] = path
	}
	for _, name := range modulesFor(alias) {
		modules, err := loadModules(paths, []string{name})
		if err != nil {
			return err
		}
		for _, m := range modules {
			if err := unix.InitModule(m.data, ""); err != nil && !errors.Is(err, unix.EEXIST) {
				return fmt.Errorf("loading %s: %w", m.name, err)
			}
		}
		if len(modules) > 0 {
			return nil
		}
	}
	return fs.ErrNotExist
}
