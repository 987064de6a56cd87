package suite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject"
	"halfopen/scenarios/language"
)

// withoutMachines hides QEMU and kernels: nothing can be warped.
func withoutMachines(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

// shortAndLong are two cases: one of 3 s, and one of two hours.
func shortAndLong() []*language.Scenario {
	return []*language.Scenario{
		{Name: "short", Duration: language.Duration(3 * time.Second)},
		{Name: "long", Duration: language.Duration(2 * time.Hour)},
	}
}

func ids(runs []*language.Scenario) []string {
	var out []string
	for _, s := range runs {
		out = append(out, s.ID())
	}
	return out
}

func TestLongRunsWithoutMachines(t *testing.T) {
	withoutMachines(t)
	for _, tt := range []struct {
		name    string
		options Options
		kept    string
		left    string
	}{
		{"are left out", Options{}, "short", "long"},
		{"take place in real time when they were named", Options{Named: true}, "short long", ""},
		{"take place in real time with --long", Options{Long: true}, "short long", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(shortAndLong(), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range s.Runs {
				names = append(names, r.Scenario.ID())
				if r.Place.Virtual() {
					t.Errorf("a run takes place %s", r.Place.String())
				}
			}
			if got := strings.Join(names, " "); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
			if got := strings.Join(ids(s.LeftOut), " "); got != tt.left {
				t.Errorf("left out %q, want %q", got, tt.left)
			}
			if tt.left != "" && !strings.Contains(fmt.Sprint(s.WhyReal), "qemu-system-x86_64 is not available here") {
				t.Errorf("left out because %v", s.WhyReal)
			}
		})
	}
}

// A case with programs is not moved to where they may be missing. Other long cases still are.
func TestLongRunsWithProgramsAreWarpedOnlyOnRequest(t *testing.T) {
	version := withKernel(t)
	qemu := filepath.Join(t.TempDir(), "qemu-system-x86_64")
	if err := os.WriteFile(qemu, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(qemu))
	const warped = "/warped on Linux 9.9.9-none"
	for _, tt := range []struct {
		name    string
		options Options
		want    string
		left    string
	}{
		{"nothing asked for", Options{}, "long" + warped, "programs"},
		{"by name", Options{Named: true}, "programs long" + warped, ""},
		{"with --long", Options{Long: true}, "programs long", ""},
		{"with --warp", Options{Warp: true}, "programs" + warped + " long" + warped, ""},
		{"on another kernel", Options{Kernels: []string{version}}, "programs" + warped + " long" + warped, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			long := shortAndLong()[1]
			programs := &language.Scenario{
				Name: "programs", Duration: long.Duration,
				Actors: []language.Actor{{Name: "a", Steps: []language.Step{
					{ID: "exec", Op: language.Op{Exec: &language.Exec{}}},
				}}},
			}
			s, err := New([]*language.Scenario{programs, long}, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range s.Runs {
				got = append(got, strings.TrimSuffix(s.Runs[i].Scenario.Name+"/"+s.Runs[i].Place.String(), "/"))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
			if got := strings.Join(ids(s.LeftOut), " "); got != tt.left || got != "" && !errors.Is(s.WhyReal, errPrograms) {
				t.Errorf("left out %q because %v, want %q", got, s.WhyReal, tt.left)
			}
		})
	}
}

// withKernel puts a file that looks like a kernel into the cache and returns its version.
func withKernel(t *testing.T) string {
	t.Helper()
	const version = "9.9.9-none"
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	root := filepath.Join(cache, "halfopen", "kernels", version)
	image := make([]byte, 4096) // Documentation/arch/x86/boot.rst
	copy(image[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(image[0x20e:], 0x400)
	copy(image[0x600:], version+" ")
	for _, dir := range []string{filepath.Join(root, "boot"), filepath.Join(root, "lib/modules", version, "kernel")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "boot", "vmlinuz-"+version), image, 0o644); err != nil {
		t.Fatal(err)
	}
	return version
}

func TestOnAnotherKernelLongRunsAreWarped(t *testing.T) {
	version := withKernel(t)
	for _, tt := range []struct {
		name        string
		options     Options
		short, long string
	}{
		{"by themselves", Options{}, "on Linux 9.9.9-none", "warped on Linux 9.9.9-none"},
		{"but not with --long", Options{Long: true}, "on Linux 9.9.9-none", "on Linux 9.9.9-none"},
		{"as all are with --warp", Options{Warp: true}, "warped on Linux 9.9.9-none", "warped on Linux 9.9.9-none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Kernels = []string{version}
			s, err := New(shortAndLong(), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{s.Runs[0].Place.String(), s.Runs[1].Place.String()}
			if diff := cmp.Diff([]string{tt.short, tt.long}, got); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

// A run for which the running kernel was asked for never takes place on another one.
func TestTheRunningKernelIsNotReplaced(t *testing.T) {
	version := withKernel(t)
	qemu := filepath.Join(t.TempDir(), "qemu-system-x86_64")
	if err := os.WriteFile(qemu, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(qemu))
	for _, tt := range []struct {
		name    string
		options Options
		want    string
		left    string
		here    int // long ones in real time
	}{
		{"nothing asked for", Options{}, "short long/warped on Linux 9.9.9-none", "", 0},
		{"the running one", Options{Kernels: []string{"running"}}, "short", "long", 0},
		{"by name", Options{Kernels: []string{"running"}, Named: true}, "short long", "", 1},
		{"with --long", Options{Kernels: []string{"running"}, Long: true}, "short long", "", 1},
		{
			"together with another",
			Options{Kernels: []string{"running", version}, Warp: true},
			"short short/warped on Linux 9.9.9-none long/warped on Linux 9.9.9-none", "long", 0,
		},
		{
			"each twice",
			Options{Kernels: []string{"9.9", "running", version, "running"}, Warp: true},
			"short/warped on Linux 9.9.9-none long/warped on Linux 9.9.9-none short", "long", 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(shortAndLong(), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range s.Runs {
				where := s.Runs[i].Place.String()
				if where != "" {
					where = "/" + where
				}
				got = append(got, s.Runs[i].Scenario.Name+where)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
			if got := strings.Join(ids(s.LeftOut), " "); got != tt.left || (got != "") != (s.WhyReal != nil && !tt.options.Named) {
				t.Errorf("left out %q because %v, want %q", got, s.WhyReal, tt.left)
			}
			n, most := s.LongHere()
			if n != tt.here || n > 0 && most != 2*time.Hour {
				t.Errorf("%d long runs here, up to %s, want %d", n, most, tt.here)
			}
		})
	}
}

func TestKernelsThatAreMissing(t *testing.T) {
	withoutMachines(t)
	_, err := New(nil, Options{Kernels: []string{"1.0-none"}})
	var missing *inject.MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "the kernel 1.0-none is not available here") {
		t.Errorf("got %v", err)
	}
}
