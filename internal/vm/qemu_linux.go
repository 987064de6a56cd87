package vm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"halfopen/inject"
)

// Emulator is the program that runs virtual machines.
const Emulator = "qemu-system-x86_64"

// machine is a running QEMU.
type machine struct {
	// out is the pipe with the guest's messages.
	out     *os.File
	console *tailBuffer
	// monitor is nil for machines that get no commands.
	monitor *monitor
	// share is nil for a machine that is saved.
	share *share
	// ended is closed when QEMU has ended. err and said are set then: its exit status, and the text
	// it wrote to standard error.
	ended chan struct{}
	err   error
	said  string
	kill  func()
}

// lastWords returns how QEMU ended, unless it was killed, and the text it wrote to standard error.
// QEMU must have ended.
func (m *machine) lastWords() string {
	if m.err == nil || strings.Contains(m.err.Error(), "signal: killed") {
		return m.said
	}
	return fmt.Sprintf("%s: %v: %s", Emulator, m.err, m.said)
}

// close ends the machine, in any state.
func (m *machine) close() {
	m.kill()
	m.out.Close()
	if m.monitor != nil {
		m.monitor.close()
	}
	if m.share != nil {
		_ = m.share.close() // nothing was written
		m.share = nil
	}
}

// The descriptors that QEMU inherits.
const (
	outDescriptor = 3 + iota
	consoleDescriptor
	kernelDescriptor
	initramfsDescriptor
	memoryDescriptor
	monitorDescriptor
	stateDescriptor
	jobDescriptor
	windowDescriptor
	ringDescriptor // followed by those for holding
)

// FindEmulator returns the path of QEMU. The error is an *[inject.MissingError] with the remedy.
func FindEmulator() (string, error) {
	path, err := exec.LookPath(Emulator)
	if err != nil {
		return "", &inject.MissingError{
			Feature: "the program " + Emulator, NeededBy: "runs in a virtual machine",
			Remedy: "make deps-vm, or apt-get install qemu-system-x86",
		}
	}
	return path, nil
}

// startMachine starts QEMU. The machine dies with this process.
func startMachine(path string, files machineFiles, with accelerator, o *Options) (*machine, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the guest's pipe: %w", err)
	}
	// QEMU must never find the pipe full: the guest would have to wait, and its time with it.
	// a size above fs.pipe-max-size is refused: the pipe stays smaller
	_, _ = unix.FcntlInt(outW.Fd(), unix.F_SETPIPE_SZ, 1<<20)
	consoleR, consoleW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the guest's console: %w", err), outR.Close(),
			outW.Close())
	}
	m := &machine{out: outR, console: &tailBuffer{}, ended: make(chan struct{})}
	var monitorEnd *os.File
	if with.isMonitored() {
		if m.monitor, monitorEnd, err = newMonitor(); err != nil {
			return nil, errors.Join(err, outR.Close(), outW.Close(), consoleR.Close(), consoleW.Close())
		}
		defer monitorEnd.Close()
	}
	cmd := exec.Command(path, o.args(with)...)
	cmd.ExtraFiles = []*os.File{
		outW, consoleW, files.kernel, files.initramfs, files.memory, monitorEnd, files.state, files.job,
	}
	if with != saving {
		if m.share, err = newShare("/"); err != nil {
			consoleR.Close()
			outW.Close()
			consoleW.Close()
			m.kill = func() {}
			m.close()
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, m.share.memory)
		cmd.ExtraFiles = append(cmd.ExtraFiles, m.share.forQEMU...)
	}
	var words tailBuffer
	cmd.Stderr = &words
	// A separate session also gets a separate share of the processors (sched(7), "The autogroup
	// feature"). On Linux 6.18, two QEMUs in this process's group kept other runs, and even the
	// kernel's threads, from the processor for seconds.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}

	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the starting thread dies, so the thread must outlive QEMU. QEMU
		// also inherits the thread's processor.
		runtime.LockOSThread()
		if with.isWarped() {
			stayOnOneProcessor()
		}
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		var wait sync.WaitGroup
		wait.Go(func() { m.listen(consoleR, o) })
		m.err = cmd.Wait()
		wait.Wait()
		m.said = strings.TrimSpace(words.String())
		consoleR.Close()
		close(m.ended)
	}()
	err = <-started
	outW.Close()
	consoleW.Close()
	m.kill = func() {
		_ = cmd.Process.Kill() // it may be gone already
		<-m.ended
	}
	if err != nil {
		consoleR.Close()
		m.kill = func() {}
		m.close()
		return nil, fmt.Errorf("starting %s: %w", Emulator, err)
	}
	o.stage("started")
	return m, nil
}

// machinesStarted counts the machines that were bound to one processor.
var machinesStarted atomic.Uint32

// stayOnOneProcessor binds this thread and its children to one of the processors that this process
// may use, in turn for each machine. When the guest is idle, QEMU's main loop moves its clock to
// the next timer. If it does that just when the guest has halted, but before its last instructions
// are counted, these are added on top, and all later times are later than in another run. On one
// processor the two threads take turns, and that hardly ever happens.
func stayOnOneProcessor() {
	const most = 8192 // the largest CONFIG_NR_CPUS on x86
	may := unix.NewCPUSet(most)
	if err := unix.SchedGetaffinityDynamic(0, may); err != nil {
		return // more times then differ from run to run, by less than a microsecond
	}
	var processors []int
	for cpu := range most {
		if may.IsSet(cpu) {
			processors = append(processors, cpu)
		}
	}
	if len(processors) == 0 {
		return
	}
	// the PID spreads the machines of several processes
	turn := int(machinesStarted.Add(1)) + os.Getpid()
	one := unix.NewCPUSet(most)
	one.Set(processors[turn%len(processors)])
	_ = unix.SchedSetaffinityDynamic(0, one) // as above
}

// listen reads the guest's console to its end.
func (m *machine) listen(console io.Reader, o *Options) {
	lines := bufio.NewReader(console)
	for {
		line, err := lines.ReadString('\n')
		_, _ = m.console.Write([]byte(line)) // a tailBuffer never returns an error
		if stage, ok := stageOf(line); ok {
			o.stage(stage)
		}
		if err != nil {
			return // the pipe ends with the machine
		}
	}
}

// stageOf returns the stage in a line of the console; false if the line has none.
func stageOf(line string) (string, bool) {
	text, ok := strings.CutPrefix(line, stagePrefix)
	if !ok {
		return "", false
	}
	stage, _, ok := strings.Cut(text, stageAfter)
	if !ok {
		return "", false // an error of the guest
	}
	return stage, true
}

// args are QEMU's arguments.
func (o *Options) args(with accelerator) []string {
	file := func(descriptor int) string { return fmt.Sprintf("/proc/self/fd/%d", descriptor) }
	chipset := "pc"
	if with.isMonitored() {
		chipset += ",memory-backend=memory"
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M", chipset,
		"-m", fmt.Sprint(o.memory()),
		"-chardev", "file,id=console,path=" + file(consoleDescriptor), "-serial", "chardev:console",
		"-chardev", "file,id=out,path=" + file(outDescriptor),
		// Without ioeventfd the device works at once when the guest's processor notifies it, not
		// when QEMU's main loop gets to it.
		"-device", "virtio-serial-pci,ioeventfd=off",
		"-device", "virtserialport,chardev=out,name=" + portName,
	}
	if with != saving {
		args = append(args,
			"-object", fmt.Sprintf("memory-backend-file,id=window,size=%d,mem-path=%s,share=on",
				windowSize, file(windowDescriptor)))
		for i, port := range append([]uint16{ringPort}, holdPorts[:]...) {
			args = append(args,
				"-chardev", fmt.Sprintf("file,id=port%d,path=%s", i, file(ringDescriptor+i)),
				"-device", fmt.Sprintf("isa-debugcon,iobase=%#x,chardev=port%d", port, i))
		}
	}
	if with != saving && with != restored {
		args = append(args, "-device", windowDevice+",memdev=window")
	}
	if with != restored {
		args = append(args, "-kernel", file(kernelDescriptor), "-initrd", file(initramfsDescriptor),
			"-append", with.bootArgs())
	}
	if with.isMonitored() {
		// A guest that rests writes to pvpanic, and QEMU stops it at that instruction. A guest that
		// is saved writes to the file of its memory; a restored one has private copies of the pages
		// that it changes.
		memory := fmt.Sprintf("memory-backend-file,id=memory,size=%dM,mem-path=%s,share=",
			o.memory(), file(memoryDescriptor))
		args = append(args, "-device", "pvpanic-pci", "-action", "panic=pause",
			"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorDescriptor),
			"-mon", "chardev=monitor,mode=control")
		if with == saving {
			args = append(args, "-object", memory+"on")
		} else {
			args = append(args, "-object", memory+"off", "-S", "-incoming", "defer",
				"-fw_cfg", "name="+jobName+",file="+file(jobDescriptor))
		}
	}
	switch with {
	case kvm:
		return append(args, "-accel", "kvm", "-cpu", "host", "-smp", "2")
	case emulated:
		return append(args, "-accel", "tcg", "-cpu", emulatedCPU, "-smp", "2")
	}
	return append(args, "-accel", "tcg,thread=single", "-cpu", emulatedCPU+",-rdrand,-rdseed",
		"-smp", "1",
		"-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm",
		"-seed", "1", // of the guest's random number generator
	)
}

func (o *Options) memory() int {
	const usual = 768
	if o.Memory > 0 {
		return o.Memory
	}
	return usual
}

// tailBuffer keeps the last tailBytes bytes that were written to it.
type tailBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 4096

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - tailBytes; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
