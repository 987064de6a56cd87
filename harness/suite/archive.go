package suite

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/internal/plainfile"
	"halfopen/internal/wholefile"
)

// The limits of an archive: how many files are read from one, and how many bytes they may have together.
const (
	mostFiles    = 1_000_000
	mostUnpacked = 16 << 30
)

// IsArchive reports whether a path is that of a suite stored as one file.
func IsArchive(path string) bool {
	return strings.HasSuffix(path, ".tgz") || strings.HasSuffix(path, ".tar.gz")
}

// CheckArchive refuses a file that an archive would replace, unless it is one.
func CheckArchive(archive string) error {
	f, err := plainfile.Open(archive)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err == nil {
		all := tar.NewReader(zip)
		head := &tar.Header{Typeflag: tar.TypeDir}
		for err == nil && head.Typeflag == tar.TypeDir { // archives that tar(1) made have them
			head, err = all.Next()
		}
		if err == nil && !isStored(strings.TrimPrefix(head.Name, "./")) {
			err = fmt.Errorf("it begins with %q", head.Name)
		}
	}
	if err != nil {
		return fmt.Errorf("%s is not a stored suite: remove it, or choose another file: %w", archive, err)
	}
	return nil
}

// Pack writes a suite stored in dir as an archive, whole or not at all: its index and the files of its
// runs, and nothing else that is there.
func Pack(dir, archive string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return wholefile.Write(archive, 0o644, func(w io.Writer) error {
		zip := gzip.NewWriter(w)
		files := tar.NewWriter(zip)
		err := fs.WalkDir(root.FS(), ".", func(at string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !isStored(at) {
				return err
			}
			return packFile(files, root, at)
		})
		return errors.Join(err, files.Close(), zip.Close())
	})
}

func packFile(files *tar.Writer, root *os.Root, at string) error {
	f, err := root.Open(filepath.FromSlash(at))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := &tar.Header{Typeflag: tar.TypeReg, Name: at, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime()}
	if err := files.WriteHeader(head); err != nil {
		return err
	}
	_, err = io.CopyN(files, f, info.Size())
	return err
}

// isStored reports whether a path below the directory of a suite is its index, or a file of a run.
func isStored(at string) bool {
	return at == result.IndexFile || ofRun(path.Dir(at)) && isEvidence(path.Base(at))
}

// Unpack reads an archive that [Pack] wrote into a new directory, which the caller removes. Whatever
// else is in it, such as links and paths that lead elsewhere, is refused, and so is more than 16 GiB.
func Unpack(ctx context.Context, archive string) (dir string, err error) {
	return unpack(ctx, archive, mostFiles, mostUnpacked)
}

func unpack(ctx context.Context, archive string, files int, bytes int64) (dir string, err error) {
	f, err := plainfile.Open(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if dir, err = os.MkdirTemp("", "halfopen-suite-"); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err == nil {
		err = unpackInto(root, reading{ctx, f}, files, bytes)
		err = errors.Join(err, root.Close())
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("reading the archive %s: %w", archive, err), os.RemoveAll(dir))
	}
	return dir, nil
}

// reading reads until the context is canceled.
type reading struct {
	ctx  context.Context
	from io.Reader
}

func (r reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(b)
}

func unpackInto(root *os.Root, from io.Reader, files int, bytes int64) error {
	zip, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	all := tar.NewReader(zip)
	for {
		head, err := all.Next()
		if errors.Is(err, io.EOF) {
			// The rest has the checksum of gzip.
			_, err := io.Copy(io.Discard, io.LimitReader(zip, 1<<20))
			return err
		}
		if err != nil {
			return err
		}
		if head.Typeflag == tar.TypeDir {
			continue // archives that tar(1) made have them
		}
		name := strings.TrimPrefix(head.Name, "./")
		files, bytes = files-1, bytes-head.Size
		switch {
		case head.Typeflag != tar.TypeReg:
			return fmt.Errorf("%q is not a file", head.Name)
		case !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || !isStored(name):
			return fmt.Errorf("%q is not a file of a stored suite", head.Name)
		case files < 0 || bytes < 0:
			return errors.New("it has too many files, or is too large when it is unpacked")
		}
		if err := unpackFile(root, filepath.FromSlash(name), all); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, from io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from) // tar bounds it by the size in the header
	return errors.Join(err, f.Close())
}
