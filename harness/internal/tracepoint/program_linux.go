//go:build amd64 || arm64

package tracepoint

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// The library loads programs as well, but it reads all types of the kernel for that: see pick. Nor
// does it load what fit has prepared.

// loading is union bpf_attr of BPF_PROG_LOAD (include/uapi/linux/bpf.h), as far as it is used.
type loading struct {
	kind         uint32
	count        uint32
	instructions unsafe.Pointer
	license      unsafe.Pointer
	logLevel     uint32
	logSize      uint32
	log          unsafe.Pointer
	version      uint32
	flags        uint32
	name         [16]byte
	device       uint32
	attachType   uint32
	types        uint32
	_            [8]uint32 // information on functions and lines
	target       uint32    // the number of the tracepoint's type
	targetFD     uint32
}

// attaching is union bpf_attr of BPF_RAW_TRACEPOINT_OPEN.
type attaching struct {
	name    unsafe.Pointer
	program uint32
	_       uint32
}

// bpf calls bpf(2). A program is loaded again if a signal came, as the runtime sends them.
func bpf(command uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	const patience = 30
	for try := 0; ; try++ {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attr), size)
		switch {
		case errno == 0:
			return int(fd), nil
		case errno != unix.EAGAIN || try == patience:
			return -1, errno
		}
	}
}

// attachment is a program that runs at a tracepoint.
type attachment struct {
	program *ebpf.Program
	link    *os.File
}

// Close takes the program away.
func (a *attachment) Close() error { return errors.Join(a.link.Close(), a.program.Close()) }

// missed returns how many events the kernel kept from the program: it does not run a program that
// an interrupt finds running on the same processor. It is always 0 before Linux 5.12.
func (a *attachment) missed() (uint64, error) {
	stats, err := a.program.Stats()
	if err != nil {
		return 0, fmt.Errorf("reading what a program missed: %w", err)
	}
	return stats.RecursionMisses, nil
}

// attach loads the program and attaches it to its tracepoint.
func (p *fittedProgram) attach(maps map[string]*ebpf.Map) (_ *attachment, err error) {
	program, err := p.load(maps)
	if err != nil {
		return nil, fmt.Errorf("loading the program: %w", err)
	}
	a := &attachment{}
	if a.program, err = ebpf.NewProgramFromFD(program); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.program.Close()
		}
	}()
	attr := &attaching{program: uint32(program)}
	fd, err := bpf(unix.BPF_RAW_TRACEPOINT_OPEN, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
	if err != nil {
		return nil, fmt.Errorf("attaching the program: %w", err)
	}
	a.link = os.NewFile(uintptr(fd), "link of "+p.Name)
	return a, nil
}

// load loads the program. The error has the last words of the kernel's verifier.
func (p *fittedProgram) load(maps map[string]*ebpf.Map) (int, error) {
	code, err := p.with(maps)
	if err != nil {
		return -1, err
	}
	license := append([]byte(p.License), 0)
	attr := &loading{
		kind:         unix.BPF_PROG_TYPE_TRACING,
		count:        uint32(len(code) / asm.InstructionSize),
		instructions: unsafe.Pointer(unsafe.SliceData(code)),
		license:      unsafe.Pointer(unsafe.SliceData(license)),
		attachType:   unix.BPF_TRACE_RAW_TP,
		target:       p.Target,
	}
	copy(attr.name[:len(attr.name)-1], p.Name)
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
	if err != nil && !errors.Is(err, unix.EPERM) {
		log := make([]byte, 1<<20)
		attr.logLevel, attr.logSize = 1, uint32(len(log))
		attr.log = unsafe.Pointer(unsafe.SliceData(log))
		if fd, err = bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(attr), unsafe.Sizeof(*attr)); err != nil {
			err = withLastLines(err, unix.ByteSliceToString(log))
		}
	}
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	return fd, err
}

// withLastLines adds what the verifier says last, before its statistics: what it refused.
func withLastLines(err error, log string) error {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if i := len(lines) - 1; strings.HasPrefix(lines[i], "processed ") {
		lines = lines[:i]
	}
	last := strings.TrimSpace(strings.Join(lines[max(0, len(lines)-2):], ": "))
	if last == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, last)
}
