package suite

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnArchiveHasTheFilesOfTheSuite(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	stored := []string{"results.ndjson", "x/n=1/v4/server.web.stdout", "x/n=1/v4/trace.ndjson", "x/v6/attempt-1/verdict.json"}
	write(t, dir, append(stored, "x/notes.txt", "mine.yaml")...)
	archive := filepath.Join(t.TempDir(), "run.tgz")
	if err := Pack(dir, archive); err != nil {
		t.Fatal(err)
	}
	unpacked, err := Unpack(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(stored, filesBelow(t, unpacked)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Unpack(ctx, archive); !errors.Is(err, context.Canceled) || len(filesBelow(t, tmp)) > 0 {
		t.Errorf("interrupted: %v, and it leaves %v", err, filesBelow(t, tmp))
	}
	if err := Pack(dir, "/dev/full/x.tgz"); err == nil {
		t.Error("an archive was written below a device")
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	file := func(name string, size int64) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
	}
	link := tar.Header{Typeflag: tar.TypeSymlink, Name: "x/v4/trace.ndjson", Linkname: "/etc/passwd"}
	for _, tt := range []struct {
		name  string
		files []tar.Header
		cut   int
		want  string
	}{
		{"a path upwards", []tar.Header{file("../x/v4/trace.ndjson", 1)}, 0, "is not a file of a stored suite"},
		{"an absolute path", []tar.Header{file("/x/v4/trace.ndjson", 1)}, 0, "is not a file of a stored suite"},
		{"a path upwards within", []tar.Header{file("x/v4/../../../trace.ndjson", 1)}, 0, "is not a file of a stored suite"},
		{"another file", []tar.Header{file("x/v4/run.sh", 1)}, 0, "is not a file of a stored suite"},
		{"a link", []tar.Header{link}, 0, "is not a file"},
		{"a file twice", []tar.Header{file("x/v4/trace.ndjson", 1), file("x/v4/trace.ndjson", 1)}, 0, "file exists"},
		{"too many files", []tar.Header{file("x/v4/trace.ndjson", 1), file("y/v4/trace.ndjson", 1), file("z/v4/trace.ndjson", 1)}, 0, "too many files"},
		{"too many bytes", []tar.Header{file("x/v4/trace.ndjson", 2000)}, 0, "too large"},
		{"a file that was cut off", []tar.Header{file("x/v4/trace.ndjson", 900)}, 20, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			var text bytes.Buffer
			zip := gzip.NewWriter(&text)
			files := tar.NewWriter(zip)
			for _, h := range tt.files {
				err := files.WriteHeader(&h)
				if err == nil && h.Typeflag == tar.TypeReg {
					_, err = files.Write(bytes.Repeat([]byte("x"), int(h.Size)))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(files.Close(), zip.Close()); err != nil {
				t.Fatal(err)
			}
			archive := filepath.Join(t.TempDir(), "run.tgz")
			if err := os.WriteFile(archive, text.Bytes()[:text.Len()-tt.cut], 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := unpack(t.Context(), archive, 2, 1000); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if left := filesBelow(t, tmp); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}
