package vm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestStageOf(t *testing.T) {
	for _, tt := range []struct {
		name, line, want string
	}{
		{"a stage", "halfopen guest: modules loaded after 0.785 s\r\n", "modules loaded"},
		{"an error of the guest", "halfopen guest: mounting /proc: EPERM\n", ""},
		{"a line of the kernel", "[    0.1] reboot: after all\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := stageOf(tt.line); got != tt.want || ok != (tt.want != "") {
				t.Errorf("stageOf(%q) = %q, %t, want %q", tt.line, got, ok, tt.want)
			}
		})
	}
}

// TestKernelFile checks whether a machine boots an unpacked kernel, or the image as it is.
func TestKernelFile(t *testing.T) {
	entry := vmlinux(t, pvh, 4)
	dir := t.TempDir()
	good, strange := filepath.Join(dir, "good"), filepath.Join(dir, "strange")
	write(t, good, bzImageOf(packedBy(t, gzip.NewWriter, entry)))
	write(t, strange, bzImageOf(withSize([]byte("\xfd7zXZ\x00"), 100)))
	for name, tt := range map[string]struct {
		kernel   Kernel
		with     accelerator
		unpacked bool
	}{
		"for a warped machine":           {Kernel{Version: "5.0.0", Image: good}, warped, true},
		"for one that saves":             {Kernel{Version: "6.12.9", Image: good}, saving, true},
		"for an emulated machine":        {Kernel{Version: "6.1.0", Image: good}, emulated, true},
		"for KVM":                        {Kernel{Version: "6.1.0", Image: good}, kvm, false},
		"packed by an unknown program":   {Kernel{Version: "6.1.0", Image: strange}, warped, false},
		"with an entry that is Xen's":    {Kernel{Version: "4.19.0-27-amd64", Image: good}, warped, false},
		"of the last with such an entry": {Kernel{Version: "4.20.17", Image: good}, emulated, false},
		"of a version before PVH":        {Kernel{Version: "3.16.0", Image: good}, warped, false},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(tt.kernel.Image)
			if err != nil {
				t.Fatal(err)
			}
			if tt.unpacked {
				want = entry
			}
			f, err := (&Options{Kernel: tt.kernel}).kernelFile(tt.with)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, want %d: %v", len(got), len(want), err)
			}
		})
	}
	if _, err := (&Options{Kernel: Kernel{Version: "6.1.0", Image: filepath.Join(dir, "none")}}).kernelFile(warped); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an image: %v", err)
	}
}
