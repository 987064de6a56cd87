package vm

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/u-root/u-root/pkg/cpio"
)

// cargo is the input of a guest.
type cargo struct {
	// files is its initramfs without the job: the same for all runs.
	files *initramfs
	// job is the job, encoded.
	job []byte
	// rests is true if the guest's kernel can get its job after it has booted.
	rests bool
}

func newCargo(tasks []Task, o *Options) (*cargo, error) {
	self := o.Program
	if self == "" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
	}
	dir, err := filepath.Abs(o.Kernel.Modules)
	if err != nil {
		return nil, err
	}
	paths, err := modulePaths(dir)
	if err != nil {
		return nil, err
	}
	i := newInitramfs()
	c := &cargo{files: i}
	if c.job, err = json.Marshal(newJob(tasks, o, os.Environ(), time.Now(), paths)); err != nil {
		return nil, fmt.Errorf("encoding the guest's job: %w", err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return nil, fmt.Errorf("reading the program for the guest: %w", err)
	}
	i.file("init", program, 0o755)
	libs, err := libraries(self)
	if err != nil {
		return nil, err
	}
	for _, lib := range libs {
		if err := i.copy(lib); err != nil {
			return nil, err
		}
	}
	c.rests = i.addModules(paths)
	return c, nil
}

// addModules adds the modules that labs may need, and reports whether a guest can find its job
// after it has booted: whether the kernel has jobDriver. The names, sizes and times of the modules'
// files are their identity: a package brings all of them, with one time, and reading them takes
// most of the time if xz has packed them.
func (i *initramfs) addModules(paths map[string]string) (rests bool) {
	wanted := wantedModules()
	identity := []string{fmt.Sprintf("modules %q", wanted)}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		info, err := os.Stat(paths[name])
		if err != nil {
			identity = append(identity, name+" is gone") // not an error, unless the module is wanted
			continue
		}
		identity = append(identity, identityOf(info))
	}
	i.dir(modulesDir)
	i.add(modulesPath[1:], strings.Join(identity, "\n"), func() ([]cpio.Record, error) {
		loaded, err := loadModules(paths, wanted)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, m := range loaded {
			names = append(names, m.name+"\n")
		}
		driver, err := loadModules(paths, []string{jobDriver})
		if err != nil {
			return nil, err
		}
		// The driver depends on no other module: the guest loads it alone.
		records := []cpio.Record{cpio.StaticFile(modulesPath[1:], strings.Join(names, ""), 0o644)}
		for _, m := range slices.Concat(loaded, driver) {
			records = append(records, cpio.StaticFile(filepath.Join(modulesDir[1:], m.name),
				string(m.data), 0o644))
		}
		return records, nil
	})
	_, rests = paths[jobDriver]
	return rests
}
