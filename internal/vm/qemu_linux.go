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
	"time"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

// Emulator is the program that runs virtual machines.
const Emulator = "qemu-system-x86_64"

// bootArgs are what the guest's kernel is told. They leave out what costs time at boot and helps no lab: calibration of a
// clock that is exact, self-tests of cryptography, certificates, what only tracing needs, mitigations against other guests.
const bootArgs = "console=ttyS0 quiet panic=-1 edd=off nokaslr norandmaps mitigations=off init_on_alloc=0 audit=0 " +
	"cryptomgr.notests nowatchdog transparent_hugepage=never cgroup_disable=memory " +
	"initcall_blacklist=load_system_certificate_list,init_blk_tracer,trace_eval_init,ftrace_check_for_weak_functions"

// warpArgs are for time that QEMU counts in instructions: its TSC is exact, and the HPET drives the clock, as calibrating the
// APIC's timer takes most of a boot. /dev/hpet and ACPI's clock are of no use, and the kernel measures both for long. ACPI's
// routing of interrupts is a program to be interpreted, and of no use either: virtio has MSI-X.
const warpArgs = " tsc=reliable noapictimer no_timer_check lpj=4000000 random.trust_cpu=off random.trust_bootloader=off " +
	"pci=noacpi initcall_blacklist=hpet_late_init,init_acpi_pm_clocksource"

// emulatedCPU is all that QEMU can emulate, but for what makes kernel and programs copy and clear memory by single bytes: an
// emulated "rep movsb" is eight times slower than "rep movsq". level-func7 leaves out FZRM, FSRS and FSRC, for which QEMU 7.2 has
// no names.
const emulatedCPU = "max,-erms,-fsrm,level-func7=0"

// machine is a running QEMU.
type machine struct {
	// out is what the guest sends.
	out     *os.File
	console *tailBuffer
	// monitor is nil for machines that get no orders.
	monitor *monitor
	// ended is closed when QEMU is gone; err is then how, and said what it had to say.
	ended chan struct{}
	err   error
	said  string
	kill  func()
}

// lastWords are how QEMU ended, unless it was killed, and what it had to say. It must be gone.
func (m *machine) lastWords() string {
	if m.err == nil || strings.Contains(m.err.Error(), "signal: killed") {
		return m.said
	}
	return fmt.Sprintf("%s: %v: %s", Emulator, m.err, m.said)
}

// close ends the machine, however far it is.
func (m *machine) close() {
	m.kill()
	m.out.Close()
	if m.monitor != nil {
		m.monitor.close()
	}
}

// machineFiles are what a machine begins with. Those it needs not are nil.
type machineFiles struct {
	// kernel and initramfs are what it boots, memory what its memory is in.
	kernel, initramfs, memory *os.File
	// state is the snapshot it goes on from, job what it then finds to do.
	state, job *os.File
}

// bootFiles returns the files of a machine that boots. Its initramfs is packed while its kernel is unpacked.
func (o *Options) bootFiles(with accelerator, archive func() ([]byte, error)) (machineFiles, error) {
	var files machineFiles
	unpacked := make(chan error, 1)
	go func() {
		var failed error
		files.kernel, failed = o.kernelFile(with)
		unpacked <- failed
	}()
	base, err := archive()
	if err == nil {
		files.initramfs, err = memoryFile("initramfs", base)
	}
	if err := errors.Join(err, <-unpacked); err != nil {
		files.close()
		return machineFiles{}, err
	}
	return files, nil
}

// close closes the files of bootFiles.
func (files machineFiles) close() {
	files.kernel.Close()
	files.initramfs.Close()
}

// The descriptors that QEMU has.
const (
	outDescriptor = 3 + iota
	consoleDescriptor
	kernelDescriptor
	initramfsDescriptor
	memoryDescriptor
	monitorDescriptor
	stateDescriptor
	jobDescriptor
)

// FindEmulator returns the path of QEMU. The error is a [inject.MissingError] with the remedy.
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
	// QEMU must never find it full: then the guest would have to wait, and time with it.
	_, _ = unix.FcntlInt(outW.Fd(), unix.F_SETPIPE_SZ, 1<<20) // refused beyond fs.pipe-max-size: it is then smaller
	consoleR, consoleW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the guest's console: %w", err), outR.Close(), outW.Close())
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
	cmd.ExtraFiles = []*os.File{outW, consoleW, files.kernel, files.initramfs, files.memory, monitorEnd, files.state, files.job}
	var words tailBuffer
	cmd.Stderr = &words
	// A session of its own, and with it a share of the processors (sched(7), "The autogroup feature"). On Linux 6.18 two QEMUs in
	// this process's group kept runs beside them, and even the kernel's threads, from the processor for seconds.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}

	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the starting thread dies, so it must not before QEMU does. And QEMU inherits its processor.
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

// machinesStarted counts the machines that stay on one processor.
var machinesStarted atomic.Uint32

// stayOnOneProcessor keeps this thread, and what it starts, to one of the processors that this process may use, each machine in
// turn to another. When the guest is idle, QEMU's main loop moves its clock to the next timer. If it does so at the very
// moment when the guest has halted, but its last instructions are not yet counted, then they come on top of that, and all
// times behind are later than in another run. On one processor the two threads take turns, and that hardly ever happens.
func stayOnOneProcessor() {
	const most = 8192 // CONFIG_NR_CPUS of no kernel is larger on x86
	may := unix.NewCPUSet(most)
	if err := unix.SchedGetaffinityDynamic(0, may); err != nil {
		return // then more times differ, by less than a microsecond, from run to run
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
	turn := int(machinesStarted.Add(1)) + os.Getpid() // machines of other processes are on others, with luck
	one := unix.NewCPUSet(most)
	one.Set(processors[turn%len(processors)])
	_ = unix.SchedSetaffinityDynamic(0, one) // likewise
}

// listen reads the guest's console to its end.
func (m *machine) listen(console io.Reader, o *Options) {
	lines := bufio.NewReader(console)
	for {
		line, err := lines.ReadString('\n')
		_, _ = m.console.Write([]byte(line)) // a tail has no errors
		if stage, ok := stageOf(line); ok {
			o.stage(stage)
		}
		if err != nil {
			return // the pipe ends with the machine
		}
	}
}

// stageOf returns the stage that a line of the console tells of.
func stageOf(line string) (string, bool) {
	text, ok := strings.CutPrefix(line, stagePrefix)
	if !ok {
		return "", false
	}
	stage, _, ok := strings.Cut(text, stageAfter)
	if !ok {
		return "", false // an error of the guest's
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
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M", chipset, "-m", fmt.Sprint(o.memory()),
		"-chardev", "file,id=console,path=" + file(consoleDescriptor), "-serial", "chardev:console",
		"-chardev", "file,id=out,path=" + file(outDescriptor),
		// Without ioeventfd the device works when the guest's processor tells it to, not when QEMU's main loop gets to it.
		"-device", "virtio-serial-pci,ioeventfd=off", "-device", "virtserialport,chardev=out,name=" + portName,
	}
	if with != restored {
		args = append(args, "-kernel", file(kernelDescriptor), "-initrd", file(initramfsDescriptor), "-append", with.bootArgs())
	}
	if with.isMonitored() {
		// A guest that rests knocks at pvpanic, and QEMU stops it at that very instruction. A saving guest writes to its
		// memory's file; one that is restored has pages of its own for what it changes.
		memory := fmt.Sprintf("memory-backend-file,id=memory,size=%dM,mem-path=%s,share=", o.memory(), file(memoryDescriptor))
		args = append(args, "-device", "pvpanic-pci", "-action", "panic=pause",
			"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorDescriptor), "-mon", "chardev=monitor,mode=control")
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
	return append(args, "-accel", "tcg,thread=single", "-cpu", emulatedCPU+",-rdrand,-rdseed", "-smp", "1",
		"-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm",
		"-seed", "1", // what QEMU gives the guest's random number generator to begin with
	)
}

// accelerator is how QEMU runs the guest's code.
type accelerator int

const (
	// warped is emulation that counts instructions, emulated emulation in real time.
	warped accelerator = iota
	emulated
	kvm
	// saving is warped until the guest rests, restored goes on from there.
	saving
	restored
)

// isMonitored reports whether QEMU gets orders.
func (a accelerator) isMonitored() bool { return a == saving || a == restored }

// isWarped reports whether QEMU counts instructions.
func (a accelerator) isWarped() bool { return a == warped || a.isMonitored() }

// bootArgs are what the kernel of a guest is told that boots.
func (a accelerator) bootArgs() string {
	if a.isWarped() {
		return bootArgs + warpArgs
	}
	return bootArgs
}

// accelerators are those to be tried, in order.
func (o *Options) accelerators() []accelerator {
	if o.Warp {
		return []accelerator{warped}
	}
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err == nil {
		f.Close()
		return []accelerator{kvm, emulated}
	}
	return []accelerator{emulated}
}

// patience is how long a guest may take to come up. On some cloud machines /dev/kvm is there and a guest gets nowhere with it.
func (a accelerator) patience() time.Duration {
	switch a {
	case kvm:
		return 10 * time.Second
	case restored:
		return 30 * time.Second
	}
	return 90 * time.Second
}

func (o *Options) memory() int {
	const usual = 768
	if o.Memory > 0 {
		return o.Memory
	}
	return usual
}

// tailBuffer keeps the last of what is written to it.
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
