// Package version returns the version of halfopen that a program contains, as the Go toolchain
// recorded it. The command prints this version, and each trace stores it.
package version

import (
	"reflect"
	"runtime/debug"
	"strings"
)

// linked is set by the linker (see the Makefile): in a git worktree the toolchain records no
// version.
var linked string

// unknown is the version of a program without version information.
const unknown = "devel"

// commitLength is the number of digits of a commit's hash that are shown.
const commitLength = 12

// String returns the version: "v0.3.0" for a release, "249b3a5-dirty" or
// "v0.3.1-0.20260102030405-249b3a5f0c1e" for a checkout, "devel" if it is not known.
func String() string {
	if linked != "" {
		return linked
	}
	version, _ := recorded()
	return version
}

// Commit returns the first digits of the hash of the commit that the program was built from, with
// "-dirty" if files were changed since. It returns "" if the commit is not known, as in a program
// built from an archive.
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

// module returns the path of the module that contains this package.
func module() string {
	return strings.TrimSuffix(reflect.TypeFor[here]().PkgPath(), "/internal/version")
}

type here struct{}

// of returns the version and the commit of a module in a program: of its main module, or of a
// dependency, whose commit is not recorded.
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

// known replaces the text that the toolchain writes for an unknown version by "devel".
func known(version string) string {
	if version == "" || version == "(devel)" {
		return unknown
	}
	return version
}
