package layout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// kernelPackages speak to Linux; some of them compile elsewhere, and then fail when they are called.
// Only files ending in _linux.go import them.
var kernelPackages = []string{
	"github.com/coreos/go-iptables",
	"github.com/vishvananda/netlink",
	"github.com/vishvananda/netns",
	"golang.org/x/sys",
}

// pure are the packages, with those below, that mean the same on every system. They do not import
// syscall either, whose numbers and names are those of the system that a program is built for.
var pure = []string{
	"assertions",
	"harness/suite",
	"harness/trace",
	"inject/fault",
	"inject/internal/queue",
	"inject/network",
	"internal/code",
	"internal/decode",
	"internal/expr",
	"internal/packet",
	"internal/proof",
	"internal/report",
	"internal/say",
	"internal/selector",
	"internal/spell",
	"internal/sysctl",
	"scenarios",
}

// unportable returns why the files that pkg has on other systems must not import imported; "" if they
// may. pkg has no module's name.
func unportable(pkg, imported string) string {
	if slices.ContainsFunc(kernelPackages, func(p string) bool { return within(imported, p, true) }) {
		return "only files ending in _linux.go speak to the kernel"
	}
	isPure := slices.ContainsFunc(pure, func(p string) bool { return within(pkg, p, true) })
	if isPure && imported == "syscall" {
		return "a scenario speaks of Linux's errors and signals, whatever system looks at it"
	}
	return ""
}

// TestOtherSystems reads the imports of the files that are built for other systems. That they build is
// what make lint finds out.
func TestOtherSystems(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	module := modulePath(t, root)
	for _, system := range []string{"darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			loaded, err := packages.Load(&packages.Config{
				Dir:  root,
				Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports,
				Env:  append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
			}, "./...")
			if err != nil {
				t.Fatal(err)
			}
			read := map[string]int{}
			for _, pkg := range loaded {
				for _, err := range pkg.Errors {
					t.Errorf("%s: %v", pkg.PkgPath, err)
				}
				path := strings.TrimPrefix(pkg.PkgPath, module+"/")
				read[path] = len(pkg.GoFiles)
				for imported := range pkg.Imports {
					if why := unportable(path, imported); why != "" {
						t.Errorf("%s imports %s on %s: %s", path, imported, system, why)
					}
				}
			}
			for _, path := range pure {
				if read[path] == 0 {
					t.Errorf("no file of %s was read", path)
				}
			}
		})
	}
}

func TestUnportable(t *testing.T) {
	for name, test := range map[string]struct {
		pkg, imported string
		refused       bool
	}{
		"the language does not know the system's errors": {"scenarios/language", "syscall", true},
		"reports draw on terminals of any system":        {"internal/report", "golang.org/x/term", false},
		"a clock of Linux is read in its own file":       {"harness/trace", "golang.org/x/sys/unix", true},
		"a plan is not carried out":                      {"inject/fault", "github.com/vishvananda/netlink/nl", true},
		"another system's calls are no better":           {"cmd/halfopen", "golang.org/x/sys/windows", true},
		"the command ends by SIGTERM":                    {"cmd/halfopen", "syscall", false},
		"a package of a similar name is another":         {"inject/network", "golang.org/x/system", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unportable(test.pkg, test.imported); (got != "") != test.refused {
				t.Errorf("%s imports %s: %q", test.pkg, test.imported, got)
			}
		})
	}
}
