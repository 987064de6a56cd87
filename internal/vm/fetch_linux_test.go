package vm

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halfopen/inject"
)

// archiveOf makes the programs of apt see an archive with these packages. They download nothing.
func archiveOf(t *testing.T, packages ...string) {
	t.Helper()
	dir := t.TempDir()
	for program, script := range map[string]string{
		"apt-cache": "#!/bin/sh\necho '" + strings.Join(packages, "\n") + "'\n",
		"apt-get":   "#!/bin/sh\nexit 1\n",
		"dpkg-deb":  "#!/bin/sh\nexit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestAvailable(t *testing.T) {
	archiveOf(t, "linux-image-cloud-amd64", "linux-image-6.1-cloud-amd64", "linux-image-6.1.0-9-cloud-amd64",
		"linux-image-6.1.0-50-cloud-amd64", "linux-image-6.1.0-50-amd64", "linux-image-6.1.0-50-cloud-amd64-dbg")
	got, err := Available(t.Context())
	if want := []string{"6.1.0-50-cloud-amd64", "6.1.0-9-cloud-amd64"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestWhyAKernelIsNotFetched(t *testing.T) {
	const path = "boot a kernel that you have by the path of its image: --kernel PATH"
	debian := []string{"linux-image-6.1.0-50-cloud-amd64"}
	ubuntu := []string{"linux-image-generic", "linux-image-6.8.0-31-generic", "linux-image-unsigned-6.8.0-31-generic"}
	for name, test := range map[string]struct {
		packages []string
		version  string
		want     []string
	}{
		"on Ubuntu":                        {ubuntu, "", []string{"linux-image-*-cloud-amd64 is not available", "on Ubuntu and elsewhere, " + path}},
		"on Ubuntu, a version that it has": {ubuntu, "6.8", []string{"on Ubuntu and elsewhere, " + path}},
		"without package lists":            {nil, "6.1", []string{"on Debian, run sudo apt-get update"}},
		"another version":                  {debian, "9.9", []string{"the kernel 9.9 is not available", "halfopen kernel list shows", path}},
	} {
		t.Run(name, func(t *testing.T) {
			archiveOf(t, test.packages...)
			_, err := Fetch(t.Context(), test.version, io.Discard)
			var missing *inject.MissingError
			if !errors.As(err, &missing) {
				t.Fatalf("the error is %v, want a MissingError", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want it to contain %q", err, want)
				}
			}
		})
	}
	t.Run("without apt", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Fetch(t.Context(), "", io.Discard); err == nil || !strings.Contains(err.Error(), "apt-get") || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v, want one with the program and %q", err, path)
		}
	})
}
