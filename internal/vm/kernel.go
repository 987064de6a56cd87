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
)

// Kernel is a kernel that can be booted.
type Kernel struct {
	// Version is what uname -r says on it.
	Version string
	// Image is its bzImage, Modules its directory of modules.
	Image, Modules string
	// Where it was found: /boot, cache, or file.
	Where string
}

// CacheDir is where fetched kernels are, a directory for each version.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", cacheError(err)
	}
	return filepath.Join(dir, "halfopen", "kernels"), nil
}

// cacheError is the error of a cache that is not there, or cannot be read or written.
func cacheError(err error) error {
	return &inject.MissingError{
		Feature: "a cache for kernels", Err: err, Remedy: "set XDG_CACHE_HOME to a directory of your own",
	}
}

// Kernels returns the kernels known here that can be booted, the newest first.
func Kernels() ([]Kernel, error) {
	found, err := kernelsBelow("/", "/boot")
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return found, nil // without a home directory there is no cache, and nothing is wrong
	}
	dirs, err := os.ReadDir(cache)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cacheError(err)
	}
	for _, d := range dirs {
		// A directory that begins with a dot is one that was not finished.
		if strings.HasPrefix(d.Name(), ".") {
			continue
		}
		more, err := kernelsBelow(filepath.Join(cache, d.Name()), "cache")
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortStableFunc(found, func(a, b Kernel) int { return compareVersions(b.Version, a.Version) })
	return found, nil
}

// kernelsBelow looks for images in root/boot whose modules are in root/lib/modules.
func kernelsBelow(root, where string) ([]Kernel, error) {
	images, err := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, err
	}
	var found []Kernel
	for _, image := range images {
		version, err := imageVersion(image)
		if err != nil {
			continue // unreadable, as on Ubuntu, or of another architecture: it cannot be booted
		}
		modules := filepath.Join(root, "lib", "modules", version)
		if _, err := os.Stat(filepath.Join(modules, "kernel")); err != nil {
			continue
		}
		found = append(found, Kernel{Version: version, Image: image, Modules: modules, Where: where})
	}
	return found, nil
}

// FindKernel returns the kernel meant by a path of an image, or by a version or its beginning. Without either it is the
// newest there is.
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
			Feature: "a kernel to boot", NeededBy: "runs in a virtual machine", Remedy: "halfopen kernel get (or make deps-vm)",
		}
	}
	if _, err := os.Stat(spec); err == nil {
		return Kernel{}, &inject.MissingError{Feature: "the kernel " + spec, Remedy: "for the file of that name say ./" + spec}
	}
	remedy := "halfopen kernel get " + spec
	if len(numbers(spec)) == 0 {
		remedy = "halfopen kernel list has those that can be had"
	}
	if len(all) > 0 {
		var known []string
		for _, k := range all {
			known = append(known, k.Version)
		}
		remedy += ", or one of those that are here: " + strings.Join(known, ", ")
	}
	return Kernel{}, &inject.MissingError{Feature: "the kernel " + spec, NeededBy: "runs in a virtual machine", Remedy: remedy}
}

// isVersion reports whether a version is the one meant, of which spec may be just the beginning.
func isVersion(version, spec string) bool {
	rest, ok := strings.CutPrefix(version, spec)
	return ok && (spec == "" || rest == "" || strings.ContainsAny(rest[:1], ".-+"))
}

func kernelOfFile(path string) (Kernel, error) {
	version, err := imageVersion(path)
	if err != nil {
		remedy := "give the path of a bzImage"
		if errors.Is(err, fs.ErrPermission) {
			remedy = "make it readable (sudo chmod a+r " + path + "), or use one of halfopen kernel get"
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
		Remedy: "put it at " + candidates[0] + ", or use a kernel of halfopen kernel get",
	}
}

// imageVersion reads the version out of a bzImage (the kernel's Documentation/arch/x86/boot.rst).
func imageVersion(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := f.ReadAt(head, 0)
	if n < 0x300 {
		return "", fmt.Errorf("%s is no kernel for x86-64: it has only %d bytes (%w)", path, n, err)
	}
	head = head[:n]
	const (
		magicAt   = 0x202
		versionAt = 0x20e
	)
	if string(head[magicAt:magicAt+4]) != "HdrS" {
		return "", fmt.Errorf("%s is no bzImage for x86-64", path)
	}
	at := int(binary.LittleEndian.Uint16(head[versionAt:])) + 0x200
	if at >= len(head) {
		return "", fmt.Errorf("%s does not tell its version", path)
	}
	text, _, _ := bytes.Cut(head[at:], []byte{0})
	version, _, _ := strings.Cut(string(text), " ")
	if version == "" {
		return "", fmt.Errorf("%s does not tell its version", path)
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
