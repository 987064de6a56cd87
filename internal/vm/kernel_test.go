package vm

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halfopen/inject"
)

// bzImage returns the head of an image, up to its version.
func bzImage(version string) []byte {
	b := make([]byte, 0x1000)
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x20e:], 0x400)
	copy(b[0x600:], version+" (builder@host) #1 SMP")
	return b
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestImageVersion(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want string
		err  string
	}{
		"a bzImage":                   {bzImage("6.1.0-50-cloud-amd64"), "6.1.0-50-cloud-amd64", ""},
		"an image of something else":  {make([]byte, 0x1000), "", "is not a bzImage"},
		"a file that is cut short":    {bzImage("6.1.0")[:100], "", "only 100 bytes"},
		"an image without a version":  {bzImage("")[:0x500], "", "does not contain its version"},
		"an image with a blank first": {bzImage(" x"), "", "does not contain its version"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vmlinuz")
			write(t, path, tt.data)
			got, err := imageVersion(path)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestKernelsOfTheCacheAndOfFiles(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	add := func(dir, version string) string {
		root := filepath.Join(cache, "halfopen", "kernels", dir)
		image := filepath.Join(root, "boot", "vmlinuz-"+version)
		write(t, image, bzImage(version))
		write(t, filepath.Join(root, "lib/modules", version, "kernel/net/veth.ko"), nil)
		return image
	}
	add("a", "6.1.0-9-cloud-amd64")
	add("b", "6.1.0-50-cloud-amd64")
	image := add("c", "5.10.0-1-cloud-amd64")
	add(".get-half", "9.9.9-cloud-amd64")
	for spec, want := range map[string]string{
		"":                    "6.1.0-50-cloud-amd64",
		"6.1":                 "6.1.0-50-cloud-amd64",
		"6.1.0-9":             "6.1.0-9-cloud-amd64",
		"6.1.0-9-cloud-amd64": "6.1.0-9-cloud-amd64",
		"5.10":                "5.10.0-1-cloud-amd64",
		image:                 "5.10.0-1-cloud-amd64",
	} {
		k, err := FindKernel(spec)
		if err != nil || k.Version != want {
			t.Errorf("FindKernel(%q) = %s, %v, want %s", spec, k.Version, err, want)
		}
	}
	for spec, want := range map[string]string{
		"6":    "6.1.0-50-cloud-amd64",
		"9.9":  "",
		"5.1":  "",
		"./no": "",
	} {
		k, err := FindKernel(spec)
		var missing *inject.MissingError
		if k.Version != want || (want == "" && !errors.As(err, &missing)) {
			t.Errorf("FindKernel(%q) = %s, %v, want %q", spec, k.Version, err, want)
		}
	}
}

func TestWhyAKernelIsNotFound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, filepath.Join(dir, "bz"), bzImage("6.1.0"))
	for name, tt := range map[string]struct {
		cache, home, spec, want string
	}{
		"no cache":                        {"", "", "9.9", "neither $XDG_CACHE_HOME nor $HOME are defined; set XDG_CACHE_HOME"},
		"a cache that is not a directory": {"/dev/null", "", "9.9", "not a directory; set XDG_CACHE_HOME"},
		"a version":                       {dir, "", "9.9", "halfopen kernel get 9.9"},
		"no version":                      {dir, "", "latest", "halfopen kernel list"},
		"a file without a slash":          {dir, "", "bz", "write ./bz"},
		"a file without modules":          {dir, "", "./bz", "put it at ../lib/modules/6.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", tt.cache)
			t.Setenv("HOME", tt.home)
			_, err := FindKernel(tt.spec)
			var missing *inject.MissingError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestVersionsAreOrderedByTheirNumbers(t *testing.T) {
	versions := []string{"6.1.0-9-cloud-amd64", "6.12.117+deb12-cloud-amd64", "6.1.0-50-cloud-amd64", "5.10.0-1", "6.12.9"}
	slices.SortFunc(versions, compareVersions)
	want := []string{"5.10.0-1", "6.1.0-9-cloud-amd64", "6.1.0-50-cloud-amd64", "6.12.9", "6.12.117+deb12-cloud-amd64"}
	if !slices.Equal(versions, want) {
		t.Errorf("got %v", versions)
	}
}
