package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"halfopen/inject"
	"halfopen/internal/pattern"
	"halfopen/internal/program"
)

// cloudPackage matches the names of Debian's packages with a signed kernel for clouds: small, with
// everything that labs need.
var cloudPackage = pattern.New(`^linux-image-([0-9][0-9a-z.+-]*-cloud-amd64)$`)

// ownKernel is the remedy where the package archive cannot help.
const ownKernel = "boot a kernel that you have by the path of its image: --kernel PATH, such as /boot/vmlinuz-VERSION"

// Available returns the versions of Debian's cloud kernels in the machine's package archive, the
// newest first. The error is an *inject.MissingError if the archive has none, such as Ubuntu's,
// whose kernels are in packages with other names, or if the machine has no apt-cache.
func Available(ctx context.Context) ([]string, error) {
	if err := needPrograms("apt-cache"); err != nil {
		return nil, err
	}
	ask := program.Program{
		Name: "apt-cache", Args: []string{"pkgnames", "linux-image-"}, Limit: time.Minute,
	}
	out, err := ask.Run(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for kernels: %w", err)
	}
	var versions []string
	for line := range strings.Lines(string(out)) {
		if m := cloudPackage.FindStringSubmatch(strings.TrimSpace(line)); m != nil &&
			numbers(m[1]) != nil {
			versions = append(versions, m[1])
		}
	}
	// A package without a full version only depends on another one.
	versions = slices.DeleteFunc(versions, func(v string) bool { return len(numbers(v)) < 3 })
	if len(versions) == 0 {
		return nil, &inject.MissingError{
			Feature: "a package linux-image-*-cloud-amd64", NeededBy: "halfopen kernel get",
			Remedy: "on Debian, run sudo apt-get update; on Ubuntu and elsewhere, " + ownKernel,
		}
	}
	slices.SortFunc(versions, func(a, b string) int { return compareVersions(b, a) })
	return versions, nil
}

// Fetch brings a kernel from the package archive into the cache, and returns it. version may be the
// beginning of a version, such as 6.1; "" is the newest. apt verifies the download. Nothing is
// installed, and root is not needed. Fetch reports its progress to progress.
func Fetch(ctx context.Context, version string, progress io.Writer) (Kernel, error) {
	if err := needPrograms("apt-get", "apt-cache", "dpkg-deb"); err != nil {
		return Kernel{}, err
	}
	versions, err := Available(ctx)
	if err != nil {
		return Kernel{}, err
	}
	at := slices.IndexFunc(versions, func(v string) bool { return isVersion(v, version) })
	if at < 0 {
		what := "the kernel " + version
		if version == "" {
			what = "any kernel"
		}
		return Kernel{}, &inject.MissingError{
			Feature: what, NeededBy: "halfopen kernel get",
			Remedy: "halfopen kernel list shows the kernels of the archive; for any other, " + ownKernel,
		}
	}
	cache, err := CacheDir()
	if err != nil {
		return Kernel{}, err
	}
	target := filepath.Join(cache, versions[at])
	if found, err := kernelsBelow(target, "cache"); err == nil && len(found) == 1 {
		return found[0], nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Kernel{}, cacheError(err)
	}
	// An unfinished kernel has a name that is never taken for a kernel's. Remove the ones that a
	// killed process has left.
	if old, err := filepath.Glob(filepath.Join(cache, ".get-*")); err == nil {
		for _, dir := range old {
			_ = os.RemoveAll(dir) // another get may still use it: it fails then, with an error
		}
	}
	work, err := os.MkdirTemp(cache, ".get-")
	if err != nil {
		return Kernel{}, cacheError(err)
	}
	defer os.RemoveAll(work)
	if err := unpack(ctx, "linux-image-"+versions[at], work, progress); err != nil {
		return Kernel{}, err
	}
	tree := filepath.Join(work, "tree")
	if found, err := kernelsBelow(tree, "cache"); err != nil || len(found) != 1 {
		return Kernel{}, errors.Join(fmt.Errorf(
			"the package linux-image-%s has no kernel that can be booted", versions[at]), err)
	}
	_ = os.RemoveAll(target) // an incomplete one
	if err := os.Rename(tree, target); err != nil {
		return Kernel{}, fmt.Errorf("putting the kernel into the cache: %w", err)
	}
	found, err := kernelsBelow(target, "cache")
	if err != nil {
		return Kernel{}, err
	}
	return found[0], nil
}

// unpack downloads a package into dir and unpacks it into dir/tree.
func unpack(ctx context.Context, name, dir string, progress io.Writer) error {
	fmt.Fprintf(progress, "downloading %s with apt-get\n", name)
	download := program.Program{
		Name: "apt-get", Args: []string{"-q", "download", name}, Dir: dir, Limit: 30 * time.Minute,
	}
	if _, err := download.Run(ctx); err != nil {
		return full(dir, fmt.Errorf("downloading %s: %w", name, err))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("downloading %s brought %d packages, want 1", name, len(files))
	}
	extract := program.Program{
		Name: "dpkg-deb", Args: []string{"-x", files[0], filepath.Join(dir, "tree")},
		Limit: 5 * time.Minute,
	}
	if _, err := extract.Run(ctx); err != nil {
		return full(dir, fmt.Errorf("unpacking %s: %w", name, err))
	}
	return nil
}

// full adds a full disk as the cause of err, if the disk of dir is full.
func full(dir string, err error) error {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) == nil && st.Bavail*uint64(st.Bsize) < 1<<20 {
		return &inject.MissingError{
			Feature: "free space on the disk of " + dir, NeededBy: "the cache of kernels",
			Remedy: "free some, or set XDG_CACHE_HOME to another disk", Err: err,
		}
	}
	return err
}

func needPrograms(names ...string) error {
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			return &inject.MissingError{
				Feature: "the program " + name, NeededBy: "halfopen kernel",
				Remedy: ownKernel,
			}
		}
	}
	return nil
}
