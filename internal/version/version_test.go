package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOfABuild(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	commit := setting("vcs.revision", "249b3a5f0c1e7d8a9b0c1d2e3f4a5b6c7d8e9f00")
	for name, tt := range map[string]struct {
		info            debug.BuildInfo
		version, commit string
	}{
		"a release that was installed": {
			debug.BuildInfo{Main: debug.Module{Path: "m", Version: "v0.3.0"}}, "v0.3.0", "",
		},
		"a checkout": {
			debug.BuildInfo{Main: debug.Module{Path: "m", Version: "(devel)"}, Settings: []debug.BuildSetting{commit, setting("vcs.modified", "false")}},
			"devel", "249b3a5f0c1e",
		},
		"a checkout with changed files": {
			debug.BuildInfo{Main: debug.Module{Path: "m", Version: "v0.3.1-0.2+dirty"}, Settings: []debug.BuildSetting{commit, setting("vcs.modified", "true")}},
			"v0.3.1-0.2+dirty", "249b3a5f0c1e-dirty",
		},
		"an archive": {debug.BuildInfo{Main: debug.Module{Path: "m", Version: "(devel)"}}, "devel", ""},
		"another program that uses the module": {
			debug.BuildInfo{
				Main: debug.Module{Path: "other", Version: "v9.9.9"}, Settings: []debug.BuildSetting{commit},
				Deps: []*debug.Module{{Path: "x", Version: "v1.0.0"}, {Path: "m", Version: "v0.2.0"}},
			}, "v0.2.0", "",
		},
		"another program that uses a copy": {
			debug.BuildInfo{
				Main: debug.Module{Path: "other"},
				Deps: []*debug.Module{{Path: "m", Version: "v0.2.0", Replace: &debug.Module{Path: "../m"}}},
			}, "devel", "",
		},
		"a program without build information": {debug.BuildInfo{}, "devel", ""},
	} {
		t.Run(name, func(t *testing.T) {
			version, commit := of(&tt.info, "m")
			if version != tt.version || commit != tt.commit {
				t.Errorf("version %q, commit %q, want %q, %q", version, commit, tt.version, tt.commit)
			}
		})
	}
}

// The package must find the module that contains it: the main module of a test binary is the module
// under test.
func TestModuleIsTheOneOfThisPackage(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("a test binary has build information")
	}
	if got := module(); got != info.Main.Path || got == "" || strings.Contains(got, "internal") {
		t.Errorf("module %q, want %q", got, info.Main.Path)
	}
}

// The version that the linker was given comes before what the toolchain recorded.
func TestTheLinkedVersionIsReturned(t *testing.T) {
	old := linked
	defer func() { linked = old }()
	const want = "v0.3.1-4-g249b3a5"
	linked = want
	if got := String(); got != want {
		t.Errorf("version %q, want %q", got, want)
	}
}
