// Package version says which version of halfopen a program contains, as the Go toolchain recorded it. It is the one
// place that knows: the command prints it, and each trace carries it.
package version

import (
	"reflect"
	"runtime/debug"
	"strings"
)

// linked is set by the linker where the toolchain records no version: in a checkout it stamps none into a program built
// in a worktree of git; see the Makefile.
var linked string

// unknown is the version of a program that was built from files of which nothing is known.
const unknown = "devel"

// commitLength is how many digits of a commit's hash are shown.
const commitLength = 12

// String returns the version: "v0.3.0" of a release, "249b3a5-dirty" or "v0.3.1-0.20260102030405-249b3a5f0c1e" of a
// checkout, "devel" where nothing is known.
func String() string {
	if linked != "" {
		return linked
	}
	version, _ := recorded()
	return version
}

// Commit returns the first digits of the hash of the commit that the program was built from, with "-dirty" if files were
// changed since; "" where it is not known, as in a program built from an archive.
func Commit() string {
	_, commit := recorded()
	return commit
}

func recorded() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown, ""
	}
	return of(info, module())
}

// module returns the path of the module that this package is in.
func module() string {
	return strings.TrimSuffix(reflect.TypeFor[here]().PkgPath(), "/internal/version")
}

type here struct{}

// of returns the version and the commit of a module in a program: its main module, or one that it uses.
func of(info *debug.BuildInfo, module string) (version, commit string) {
	if info.Main.Path != module {
		for _, dep := range info.Deps {
			if dep.Path != module {
				continue
			}
			if dep.Replace != nil {
				dep = dep.Replace
			}
			return known(dep.Version), ""
		}
		return unknown, ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit = settings["vcs.revision"]
	commit = commit[:min(len(commit), commitLength)]
	if commit != "" && settings["vcs.modified"] == "true" {
		commit += "-dirty"
	}
	return known(info.Main.Version), commit
}

// known replaces what the toolchain writes of a module whose version it does not know.
func known(version string) string {
	if version == "" || version == "(devel)" {
		return unknown
	}
	return version
}
