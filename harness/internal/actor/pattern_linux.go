package actor

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// patternPeriod is the length of the fixed pattern. It is a prime, so that the pattern does not
	// repeat at the boundaries of segments or pages.
	patternPeriod = 251
	// mostFilled is up to how many bytes of the pattern have memory of their own.
	mostFilled = 4 << 20
)

// patternOf returns that many bytes of the fixed pattern, and what frees them. A long one takes the
// memory of a short one: the same pages are mapped again and again. It can still be sent by one system
// call.
func patternOf(size int) (data []byte, free func()) {
	if size > mostFilled {
		if data, err := repeated(size); err == nil {
			return data, func() { _ = unix.MunmapPtr(unsafe.Pointer(&data[0]), uintptr(size)) } // cannot fail
		} // the limits of the process may be too low for the mappings, and enough for the memory
	}
	data = make([]byte, size)
	fill(data)
	return data, func() {}
}

// fill writes the pattern.
func fill(data []byte) {
	for i := range data[:min(len(data), patternPeriod)] {
		data[i] = byte(i)
	}
	for n := patternPeriod; n < len(data); n *= 2 {
		copy(data[n:], data[:n]) // n is a multiple of the period
	}
}

// repeated returns the pattern in memory that has the same pages for each multiple of its period and
// of the size of a page. It is only for reading, and to be unmapped.
func repeated(size int) ([]byte, error) {
	unit := patternPeriod * os.Getpagesize()
	first, err := unix.Mmap(-1, 0, unit, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Munmap(first) }() // the other mappings keep the pages
	fill(first)
	all, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	for at := 0; at < size; at += unit {
		// With an old size of 0 the mapping is not moved, but made once more: mremap(2).
		_, err := unix.MremapPtr(unsafe.Pointer(&first[0]), 0, unsafe.Add(all, at),
			uintptr(min(unit, size-at)), unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
		if err != nil {
			_ = unix.MunmapPtr(all, uintptr(size))
			return nil, err
		}
	}
	return unsafe.Slice((*byte)(all), size), nil
}
