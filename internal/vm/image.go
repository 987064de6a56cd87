package vm

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// unpackImage returns the kernel that is packed in a bzImage: an ELF file, which QEMU starts at its
// entry for PVH (the kernel's arch/x86/platform/pvh). An emulated processor would take up to a
// second to unpack it.
func unpackImage(k *Kernel) ([]byte, error) {
	// Kernels have the entry from 4.11 on, but before 5.0 only for Xen.
	if compareVersions(k.Version, "5.0") < 0 {
		return nil, fmt.Errorf("only Xen can start Linux %s at its entry for PVH", k.Version)
	}
	path := k.Image
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	packed, err := payload(image)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", path, err)
	}
	unpacked, err := decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", path, err)
	}
	if err := checkPVH(unpacked); err != nil {
		return nil, fmt.Errorf("reading the kernel in %s: %w", path, err)
	}
	return unpacked, nil
}

// payload returns the packed kernel of a bzImage (the kernel's Documentation/arch/x86/boot.rst).
func payload(image []byte) ([]byte, error) {
	const (
		sectorsAt = 0x1f1 // the name setup_sects
		versionAt = 0x206
		offsetAt  = 0x248 // payload_offset
		lengthAt  = 0x24c // payload_length
		headerEnd = 0x250

		sector = 512
		oldest = 0x208 // the first boot protocol with a payload
	)
	if len(image) < headerEnd || binary.LittleEndian.Uint16(image[versionAt:]) < oldest {
		return nil, errors.New("its header does not say where the kernel is")
	}
	begin := (uint64(image[sectorsAt])+1)*sector + uint64(binary.LittleEndian.Uint32(image[offsetAt:]))
	end := begin + uint64(binary.LittleEndian.Uint32(image[lengthAt:]))
	if end > uint64(len(image)) {
		return nil, io.ErrUnexpectedEOF
	}
	return image[begin:end], nil
}

// decompress unpacks a kernel packed by gzip, zstd or lz4, which pack most kernels.
func decompress(packed []byte) ([]byte, error) {
	const most = 1 << 30
	if len(packed) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	// The last four bytes are the size. gzip writes it itself; for the others it is appended
	// (scripts/Makefile.lib, size_append).
	rest, end := packed[:len(packed)-4], packed[len(packed)-4:]
	size := binary.LittleEndian.Uint32(end)
	if size > most {
		return nil, fmt.Errorf("its size field says %d bytes", size)
	}
	var r io.Reader
	switch {
	case bytes.HasPrefix(packed, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		r = z
	case bytes.HasPrefix(packed, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(bytes.NewReader(rest))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	case bytes.HasPrefix(packed, []byte("\x02\x21\x4c\x18")):
		r = lz4.NewReader(bytes.NewReader(rest))
	default:
		return nil, fmt.Errorf("unknown format: it begins with % x", packed[:4])
	}
	unpacked := make([]byte, size)
	if _, err := io.ReadFull(r, unpacked); err != nil {
		return nil, err
	}
	// A wrong checksum only shows after the last byte.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("it has more than the %d bytes that its size field says", size)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return unpacked, nil
}

// checkPVH checks that a kernel is complete and has an entry for PVH.
func checkPVH(kernel []byte) error {
	// The beginning of the note with the address of the entry, after two lengths: its type,
	// XEN_ELFNOTE_PHYS32_ENTRY (include/xen/interface/elfnote.h), and its owner.
	const note = "\x12\x00\x00\x00Xen\x00"
	f, err := elf.NewFile(bytes.NewReader(kernel))
	if err != nil {
		return err
	}
	found := false
	for _, p := range f.Progs {
		if size := uint64(len(kernel)); p.Off > size || p.Filesz > size-p.Off {
			return io.ErrUnexpectedEOF
		}
		// QEMU finds notes by the alignment of their segment, but the kernel puts them at multiples
		// of 4.
		found = found || p.Type == elf.PT_NOTE && p.Align == 4 &&
			bytes.Contains(kernel[p.Off:p.Off+p.Filesz], []byte(note))
	}
	if !found {
		return errors.New("it has no entry for PVH that QEMU finds")
	}
	return nil
}
