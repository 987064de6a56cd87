//go:build amd64 || arm64

package tracepoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"unsafe"

	"halfopen/inject"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// share is how much of the ring one namespace may fill, so that a flood in one lab does not cost
// another its events.
const share = ringSize / 2

// ringSize is how much memory holds events until they are read, as bpf/tracepoint.c has it.
const ringSize = 4 << 20

// View is what this process sees of the kernel, from [Open] to [View.Close]. It is safe for
// concurrent use.
type View struct {
	object  *object
	missing []Gap
	decoder decoder

	// attached are the programs and what they report.
	attached []pointAttachment

	maps       map[string]*ebpf.Map
	namespaces *ebpf.Map
	taken      []uint64 // the bytes read, by slot, which the programs see; entries are atomic
	close      []func() error

	reader  *ringbuf.Reader
	reading sync.WaitGroup

	// stopping is held by Stop, which waits for flushed.
	stopping sync.Mutex
	// flushed gets a value when all that was in the ring at a flush has been read. It is closed
	// when nothing is read any more.
	flushed chan struct{}

	mu      sync.RWMutex
	watches map[uint32]*Watch // mu
	free    []uint32          // slots that are not in use; mu
	err     error             // the first event that was not read, or not understood; mu
	closed  bool              // mu
}

// pointAttachment is a program and the kind of events that it reports.
type pointAttachment struct {
	kind Kind
	*attachment
}

// missed returns how many events of each kind the kernel has kept from the programs so far, of all
// namespaces.
func (v *View) missed() (missed Lost, err error) {
	for _, a := range v.attached {
		n, problem := a.missed()
		missed[a.kind] += n
		err = errors.Join(err, problem)
	}
	return missed, err
}

// Open loads the programs and attaches them. Where no tracepoint can be used the error is a
// *inject.MissingError: eBPF is forbidden to this process, or the kernel does not describe its
// types. Where some cannot be used [View.Missing] names them. Each View has programs and memory of
// its own, so open one for all labs of a process.
func Open() (*View, error) { return sockets.open() }

func (o *object) open() (_ *View, err error) {
	// First, because it is cheap where the answer is no.
	if err := allowed(); err != nil {
		return nil, explain(err)
	}
	programs, err := o.fitFast()
	if err != nil {
		return nil, err
	}
	v := &View{
		object:  o,
		decoder: decoder{dropReasons: programs.DropReasons, resetReasons: programs.ResetReasons},
		flushed: make(chan struct{}),
		watches: map[uint32]*Watch{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.closeAll())
		}
	}()
	maps, err := v.makeMaps(programs.Maps)
	if err != nil {
		return nil, explain(err)
	}
	for _, g := range programs.Missing {
		v.missing = append(v.missing, g.gap())
	}
	if err := v.attach(programs.Programs, maps); err != nil {
		return nil, err
	}
	v.reading.Go(v.read)
	return v, nil
}

// allowed returns an error if this process must not load programs for tracepoints.
func allowed() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "allowed", Type: ebpf.RawTracepoint, License: "Dual MIT/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return err
	}
	return p.Close()
}

// makeMaps makes the maps that all programs share.
func (v *View) makeMaps(fit map[string]fittedMap) (map[string]*ebpf.Map, error) {
	made := map[string]*ebpf.Map{}
	for name, m := range fit {
		var err error
		if made[name], err = m.create(name); err != nil {
			return nil, err
		}
		v.close = append(v.close, made[name].Close)
	}
	v.maps, v.namespaces = made, made["namespaces"]
	for slot := range v.namespaces.MaxEntries() {
		v.free = append(v.free, slot)
	}
	if err := v.mapTaken(made["taken"]); err != nil {
		return nil, err
	}
	var err error
	if v.reader, err = ringbuf.NewReader(made["ring"]); err != nil {
		return nil, err
	}
	v.close = append(v.close, func() error {
		err := v.reader.Close()
		v.reading.Wait()
		return err
	})
	return made, nil
}

// mapTaken maps the memory of a map into this process's.
func (v *View) mapTaken(m *ebpf.Map) error {
	size := int(m.MaxEntries() * m.ValueSize())
	memory, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping the programs' memory: %w", err)
	}
	v.taken = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(memory))), m.MaxEntries())
	v.close = append(v.close, func() error {
		v.taken = nil
		return os.NewSyscallError("munmap", unix.Munmap(memory))
	})
	return nil
}

// attach loads and attaches each program by itself: one that this kernel refuses is missing, and
// the others work. The error says that all are refused.
func (v *View) attach(programs []fittedProgram, maps map[string]*ebpf.Map) error {
	var refused []error
	for i := range programs {
		p := v.object.points[programs[i].Point]
		attached, err := programs[i].attach(maps)
		if err != nil {
			refused = append(refused, err)
			gap := Gap{Tracepoint: p.system + ":" + p.name, Kind: p.kind, Err: err}
			v.missing = append(v.missing, gap)
			continue
		}
		v.close = append(v.close, attached.Close)
		v.attached = append(v.attached, pointAttachment{p.kind, attached})
	}
	switch {
	case len(v.attached) > 0:
		return nil
	case len(refused) > 0:
		return explain(refused[0])
	default:
		return explain(errNoTracepoint)
	}
}

// explainTypes says what an error in reading the kernel's types means.
func explainTypes(err error) error {
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, fs.ErrNotExist) {
		return &inject.MissingError{
			Feature: "BTF, by which programs know the kernel's types,", OfKernel: true, Err: err,
			Remedy: "use a kernel with CONFIG_DEBUG_INFO_BTF",
		}
	}
	return fmt.Errorf("reading the kernel's types: %w", err)
}

// explain says what an error in making maps and loading programs means.
func explain(err error) error {
	m := &inject.MissingError{Feature: "eBPF for tracepoints", Err: err}
	switch {
	case errors.Is(err, unix.EPERM):
		m.Feature, m.NeededBy = "CAP_BPF and CAP_PERFMON", "eBPF for tracepoints"
		m.Err = unix.EPERM // the library's guesses left out
		m.Remedy = "run as root, outside user namespaces, or give the program what it needs: " +
			"setcap cap_bpf,cap_perfmon+ep FILE; " +
			"in a container, add to docker run: --cap-add BPF --cap-add PERFMON"
	case errors.Is(err, unix.ENOSYS):
		m.OfKernel = true
		m.Remedy = "use a kernel with CONFIG_BPF_SYSCALL"
	}
	return m
}

// Missing returns what this kernel does not show.
func (v *View) Missing() []Gap { return v.missing }

// DropReasons returns the reasons that a [Drop] can have on this kernel, in no order.
func (v *View) DropReasons() []string { return values(v.decoder.dropReasons) }

// ResetReasons returns the reasons that a [Reset] can have on this kernel, in no order.
func (v *View) ResetReasons() []string { return values(v.decoder.resetReasons) }

func values(names map[uint32]string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, name)
	}
	return list
}

// read delivers events until the reader is closed.
func (v *View) read() {
	defer close(v.flushed)
	var record ringbuf.Record
	for {
		err := v.reader.ReadInto(&record)
		switch {
		case err == nil:
			v.fail(v.deliver(record.RawSample))
		case errors.Is(err, ringbuf.ErrFlushed):
			v.flushed <- struct{}{}
		case errors.Is(err, ringbuf.ErrClosed):
			return
		default:
			v.fail(err)
			return
		}
	}
}

// fail keeps the first error of reading.
func (v *View) fail(err error) {
	if err == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = fmt.Errorf("reading the events of tracepoints: %w", err)
	}
}

// flush waits until all that is in the ring has been read. It is called with stopping held.
func (v *View) flush() {
	if v.reader.Flush() == nil { // else it is closed
		<-v.flushed
	}
}

// Close takes programs and memory away. Stop each [Watch] before. The error says that an event was
// not understood, or that something could not be taken away.
func (v *View) Close() error {
	v.mu.Lock()
	closed := v.closed
	v.closed = true
	v.mu.Unlock()
	if closed {
		return nil
	}
	err := v.closeAll() // after it, nothing is read any more
	return errors.Join(v.err, err)
}

// closeAll undoes what Open did, the last first.
func (v *View) closeAll() error {
	var errs []error
	for i := len(v.close) - 1; i >= 0; i-- {
		errs = append(errs, v.close[i]())
	}
	return errors.Join(errs...)
}
