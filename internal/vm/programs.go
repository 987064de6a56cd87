package vm

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/inject"
	"halfopen/scenarios/language"
)

// extensionDirs are the directories of iptables' extensions (XTABLES_LIBDIR), which iptables opens
// by name.
var extensionDirs = []string{
	"/usr/lib/x86_64-linux-gnu/xtables", "/usr/lib64/xtables", "/usr/lib/xtables", "/lib/xtables",
}

// addPrograms adds the programs that plans call and those of the exec steps of the runs. The
// programs of plans are added even for runs without faults, so that most guests are the same.
func (i *initramfs) addPrograms(runs []*language.Scenario) error {
	names := map[string]string{"iptables": "", "ip6tables": ""} // by name, the user of the program
	for _, s := range runs {
		for f := range s.Faults {
			program := "iptables"
			if s.Family == language.V6 {
				program = "ip6tables"
			}
			names[program] = fmt.Sprintf("fault %q of %s", s.Faults[f].Name, s.Name)
		}
		for a := range s.Actors {
			language.EachStep(s.Actors[a].Steps, func(st *language.Step) {
				for _, name := range called(st.Op.Commands()) {
					if names[name] == "" {
						names[name] = fmt.Sprintf("step %s.%s of %s", s.Actors[a].Name, st.ID, s.Name)
					}
				}
			})
		}
	}
	// In order, so that the same runs have the same initramfs.
	for _, name := range slices.Sorted(maps.Keys(names)) {
		neededBy := names[name]
		path, err := find(name)
		if err != nil {
			if neededBy != "" && (name == "iptables" || name == "ip6tables") {
				return &inject.MissingError{
					Feature: "the program " + name, NeededBy: neededBy,
					Remedy: "install it: make deps, or apt-get install iptables",
				}
			}
			continue // the word is not a program, or the step is about its absence
		}
		if err := i.program(path); err != nil {
			return err
		}
		if strings.HasPrefix(filepath.Base(path), "ip") && strings.HasSuffix(path, "tables") {
			if err := i.addExtensions(); err != nil {
				return err
			}
		}
	}
	return nil
}

// called returns the words of commands that may be programs: all words, because the syntax of a
// shell is not parsed here.
func called(commands [][]string) []string {
	if commands == nil {
		return nil
	}
	words := []string{"sh"}
	for _, part := range slices.Concat(commands...) {
		words = append(words, strings.FieldsFunc(part, func(r rune) bool {
			return strings.ContainsRune(" \t\n|;&()<>`$\"'{}", r)
		})...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// find looks for a program in PATH, and where Debian keeps the programs for root.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fs.ErrNotExist
}

func (i *initramfs) addExtensions() error {
	for _, dir := range extensionDirs {
		for _, name := range extensions {
			for _, prefix := range []string{"libxt_", "libipt_", "libip6t_"} {
				path := filepath.Join(dir, prefix+name+".so")
				if _, err := os.Stat(path); err != nil {
					continue
				}
				if err := i.program(path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
