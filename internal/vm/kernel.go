package vm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/inject"
	"halfopen/internal/plainfile"
)

// Kernel is a kernel that can be booted.
type Kernel struct {
	// Version is the output of uname -r on it.
	Version string
	// Image is its bzImage, Modules its directory of modules.
	Image, Modules string
	// Where is the place it was found: /boot, cache, or file.
	Where string
}

// CacheDir returns the directory of the fetched kernels. It has a directory for each version.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", cacheError(err)
	}
	return filepath.Join(dir, "halfopen", "kernels"), nil
}

// cacheError returns the error for a cache that is missing, or cannot be read or written.
func cacheError(err error) error {
	return &inject.MissingError{
		Feature: "a cache for kernels", Err: err, Remedy: "set XDG_CACHE_HOME to a directory of your own",
	}
}

// Kernels returns the known kernels that can be booted, the newest first.
func Kernels() ([]Kernel, error) {
	found, err := kernelsBelow("/", "/boot")
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return found, nil // without a home directory there is no cache, which is not an error
	}
	dirs, err := os.ReadDir(cache)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cacheError(err)
	}
	for _, d := range dirs {
		// A directory whose name begins with a dot is incomplete.
		if strings.HasPrefix(d.Name(), ".") {
			continue
		}
		more, err := kernelsBelow(filepath.Join(cache, d.Name()), "cache")
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortStableFunc(found, func(a, b Kernel) int {
		return compareVersions(b.Version, a.Version)
	})
	return found, nil
}

// kernelsBelow returns the images in root/boot that have modules in root/lib/modules.
func kernelsBelow(root, where string) ([]Kernel, error) {
	images, err := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, err
	}
	var found []Kernel
	for _, image := range images {
		version, err := imageVersion(image)
		if err != nil {
			continue // it cannot be booted: unreadable, as on Ubuntu, or for another architecture
		}
		modules := filepath.Join(root, "lib", "modules", version)
		if _, err := os.Stat(filepath.Join(modules, "kernel")); err != nil {
			continue
		}
		found = append(found, Kernel{Version: version, Image: image, Modules: modules, Where: where})
	}
	return found, nil
}

// FindKernel returns a kernel by the path of its image, or by its version or the beginning of one.
// An empty spec is the newest kernel.
func FindKernel(spec string) (Kernel, error) {
	if strings.Contains(spec, "/") {
		return kernelOfFile(spec)
	}
	all, err := Kernels()
	if err != nil {
		return Kernel{}, err
	}
	for _, k := range all {
		if isVersion(k.Version, spec) {
			return k, nil
		}
	}
	if _, err := CacheDir(); err != nil {
		return Kernel{}, err
	}
	if spec == "" {
		return Kernel{}, &inject.MissingError{
			Feature: "a kernel to boot", NeededBy: "runs in a virtual machine",
			Remedy: "halfopen kernel get (or make deps-vm), or give the path of a kernel image: --kernel PATH",
		}
	}
	if _, err := os.Stat(spec); err == nil {
		return Kernel{}, &inject.MissingError{
			Feature: "the kernel " + spec, Remedy: "to boot the file of that name, write ./" + spec,
		}
	}
	remedy := "halfopen kernel get " + spec
	if len(numbers(spec)) == 0 {
		remedy = "halfopen kernel list shows the kernels that can be fetched"
	}
	if len(all) > 0 {
		var known []string
		for _, k := range all {
			known = append(known, k.Version)
		}
		remedy += ", or use one that is here: " + strings.Join(known, ", ")
	}
	return Kernel{}, &inject.MissingError{
		Feature: "the kernel " + spec, NeededBy: "runs in a virtual machine", Remedy: remedy,
	}
}

// isVersion reports whether spec means a version: it is the version or its beginning.
func isVersion(version, spec string) bool {
	rest, ok := strings.CutPrefix(version, spec)
	return ok && (spec == "" || rest == "" || strings.ContainsAny(rest[:1], ".-+"))
}

func kernelOfFile(path string) (Kernel, error) {
	version, err := imageVersion(path)
	if err != nil {
		remedy := "give the path of a bzImage"
		if errors.Is(err, fs.ErrPermission) {
			remedy = "make it readable (sudo chmod a+r " + path +
				"), or get another one with halfopen kernel get"
		}
		return Kernel{}, &inject.MissingError{Feature: "the kernel " + path, Remedy: remedy, Err: err}
	}
	candidates := []string{
		filepath.Join(filepath.Dir(path), "..", "lib", "modules", version),
		filepath.Join("/lib/modules", version),
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "kernel")); err == nil {
			return Kernel{Version: version, Image: path, Modules: dir, Where: "file"}, nil
		}
	}
	return Kernel{}, &inject.MissingError{
		Feature: "a directory with the modules of " + path, NeededBy: "runs in a virtual machine",
		Remedy: "put it at " + candidates[0] + ", or get a kernel with halfopen kernel get",
	}
}

// imageVersion reads the version out of a bzImage (the kernel's Documentation/arch/x86/boot.rst).
func imageVersion(path string) (string, error) {
	f, err := plainfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := f.ReadAt(head, 0)
	if n < 0x300 {
		return "", fmt.Errorf("%s is not a kernel for x86-64: it has only %d bytes (%w)", path, n, err)
	}
	head = head[:n]
	const (
		magicAt   = 0x202
		versionAt = 0x20e
	)
	if string(head[magicAt:magicAt+4]) != "HdrS" {
		return "", fmt.Errorf("%s is not a bzImage for x86-64", path)
	}
	at := int(binary.LittleEndian.Uint16(head[versionAt:])) + 0x200
	if at >= len(head) {
		return "", fmt.Errorf("%s does not contain its version", path)
	}
	text, _, _ := bytes.Cut(head[at:], []byte{0})
	version, _, _ := strings.Cut(string(text), " ")
	if version == "" {
		return "", fmt.Errorf("%s does not contain its version", path)
	}
	return version, nil
}

// compareVersions compares 6.1.0-50-cloud-amd64 and the like by their numbers.
func compareVersions(a, b string) int {
	as, bs := numbers(a), numbers(b)
	if c := slices.Compare(as, bs); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}

// numbers returns the numbers of a version up to its flavour.
func numbers(version string) []int {
	var list []int
	in := false
	for _, r := range version {
		switch {
		case '0' <= r && r <= '9':
			if !in {
				list = append(list, 0)
			}
			list[len(list)-1] = list[len(list)-1]*10 + int(r-'0')
			in = true
		case r == '.' || r == '-' || r == '+':
			in = false
		default:
			return list
		}
	}
	return list
}
