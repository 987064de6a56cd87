package vm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/internal/outbox"
)

// Main does the guest's work and never returns if the program is the guest's init; otherwise it
// returns at once. A program's main function calls it after [harness.Main].
func Main() {
	switch {
	case len(os.Args) == 1 && os.Args[0] == carrier:
		if err := carry(); err != nil {
			fmt.Println("halfopen guest:", err)
		}
		os.Exit(0)
	case len(os.Args) == 4 && os.Args[0] == modprobePath:
		if err := modprobe(os.Args[3]); err != nil {
			os.Exit(1) // the program that needs the module says so
		}
		os.Exit(0)
	}
	if os.Getpid() != 1 || os.Args[0] != "/init" {
		return
	}
	if err := guest(); err != nil {
		fmt.Println("halfopen guest:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // QEMU ends instead (-no-reboot)
	select {}
}

func guest() error {
	if err := mountAll(); err != nil {
		return err
	}
	stage("up")
	modules, err := os.ReadFile(modulesPath)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(modules)) {
		if err := loadModule(filepath.Join(modulesDir, name)); err != nil {
			fmt.Println("halfopen guest:", err) // the step or fault that needs it reports it better
		}
	}
	quieten()
	stage("modules loaded")
	port, err := openPort()
	if err != nil {
		return err
	}
	// Go collects garbage every two minutes, needed or not, unless only the memory limit triggers
	// it.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(256 << 20)
	if err := setEnvironment([]string{"GOGC=off", "GOMEMLIMIT=24MiB", "TMPDIR=" + temporary}); err != nil {
		return err
	}
	data, err := os.ReadFile(jobPath)
	if errors.Is(err, fs.ErrNotExist) {
		harness.Prepare() // it is in the snapshot then
		stage("prepared")
		data, err = rest()
	}
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	if err := errors.Join(mountShare(), j.prepare(), j.mountLogs()); err != nil {
		return err
	}
	out := outbox.New[message](port)
	stage("ready")
	out.Send(message{Ready: true})
	j.perform(out)
	return errors.Join(out.Close(), port.Close())
}

// prepare sets the date and the environment of a job.
func (j *job) prepare() error {
	if !j.Now.IsZero() {
		now := unix.NsecToTimespec(j.Now.UnixNano())
		if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
			return fmt.Errorf("setting the date: %w", err)
		}
	}
	if err := setEnvironment(j.Environment); err != nil {
		return err
	}
	if len(j.Modules) > 0 {
		if err := allowModprobe(j.Modules); err != nil {
			return fmt.Errorf("allowing programs to load modules: %w", err)
		}
	}
	// The PATH of an ordinary user may leave out what the lab itself runs.
	const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	return os.Setenv("PATH", strings.TrimPrefix(os.Getenv("PATH")+":"+system, ":"))
}

// setEnvironment sets variables, NAME=VALUE.
func setEnvironment(variables []string) error {
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// rest makes QEMU stop this machine, so that a snapshot can be taken. It returns the job that it
// finds when the machine continues from the snapshot, maybe many times.
func rest() ([]byte, error) {
	if err := knock(); err != nil {
		return nil, fmt.Errorf("stopping for a snapshot: %w", err)
	}
	// The driver lists the files that QEMU has when the driver is loaded.
	if err := loadModule(filepath.Join(modulesDir, jobDriver)); err != nil {
		return nil, err
	}
	packed, err := os.ReadFile("/sys/firmware/qemu_fw_cfg/by_name/" + jobName + "/raw")
	if err != nil {
		return nil, err
	}
	return unsqueeze(packed)
}

// knock reports a panic of this guest to the device pvpanic-pci (QEMU's docs/specs/pvpanic.txt), by
// writing a byte to its memory.
func knock() error {
	const vendor, device, panicked = "0x1b36", "0x0011", 1
	devices, err := filepath.Glob("/sys/bus/pci/devices/*")
	if err != nil {
		return err
	}
	at := slices.IndexFunc(devices, func(dir string) bool { return attribute(dir, "vendor") == vendor && attribute(dir, "device") == device })
	if at < 0 {
		return errors.New("no device pvpanic-pci found")
	}
	dir := devices[at]
	if err := os.WriteFile(filepath.Join(dir, "enable"), []byte("1"), 0); err != nil {
		return err
	}
	start, _, _ := strings.Cut(attribute(dir, "resource"), " ")
	address, err := strconv.ParseUint(start, 0, 64)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "resource0"), os.O_RDWR|unix.O_SYNC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	page := os.Getpagesize()
	memory, err := unix.Mmap(int(f.Fd()), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	memory[address%uint64(page)] = panicked
	return unix.Munmap(memory)
}

// attribute returns the text of a file of sysfs, or "" if it cannot be read.
func attribute(dir, name string) string {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// stage prints to the console how far the guest has come. An error shows the last lines of the
// console.
func stage(what string) {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // it cannot fail
	fmt.Printf("%s%s%s%.3f s\n", stagePrefix, what, stageAfter, float64(now.Nano())/1e9)
}

// mountAll mounts the file systems of a running system.
func mountAll() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"},
	} {
		err := unix.Mount(m.kind, m.at, m.kind, unix.MS_NOSUID, "")
		if err != nil && !errors.Is(err, unix.EBUSY) { // the kernel may have mounted /dev
			return fmt.Errorf("mounting %s: %w", m.at, err)
		}
	}
	// The only folder that can be written to once the machine's files are the guest's.
	return os.Mkdir(temporary, 0o755)
}

// quieten turns off the kernel's periodic work: each time, it would interrupt the jump over hours
// of idleness.
func quieten() {
	for name, value := range map[string]string{
		"vm/compaction_proactiveness":   "0",
		"vm/stat_interval":              "86400",
		"vm/dirty_writeback_centisecs":  "0",
		"kernel/hung_task_timeout_secs": "0",
		"kernel/watchdog":               "0",
		// Without a program for it, no work is done to load a module.
		"kernel/modprobe": "",
		// This is the interval for neighbour entries with the flag "managed", which no lab has.
		"net/ipv4/neigh/default/interval_probe_time_ms": "86400000",
		"net/ipv6/neigh/default/interval_probe_time_ms": "86400000",
		// The walk through this table for old entries takes long, and a lab has few.
		"net/netfilter/nf_conntrack_buckets": "1024",
	} {
		_ = os.WriteFile("/proc/sys/"+name, []byte(value), 0) // a kernel without the file does not have the work
	}
	dismissFairServer()
}

// dismissFairServer turns off the scheduler's reserve of time for ordinary tasks next to real-time
// ones (Linux 6.12, kernel/sched/debug.c). No guest has real-time tasks, and its timer fires every
// second in which something runs.
func dismissFairServer() {
	const debug = "/sys/kernel/debug"
	if err := unix.Mount("debugfs", debug, "debugfs", unix.MS_NOSUID, ""); err != nil {
		return // without it, the guest takes more time
	}
	defer unix.Unmount(debug, 0)
	files, _ := filepath.Glob(debug + "/sched/fair_server/cpu*/runtime") // the pattern is well-formed
	for _, name := range files {
		_ = os.WriteFile(name, []byte("0"), 0)
	}
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("loading %s: %w", filepath.Base(path), err)
	}
	return nil
}

// openPort opens the serial port by its name.
func openPort() (*os.File, error) {
	const patience = 10 * time.Second
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Millisecond) {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, path := range names {
			if name, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(name)) == portName {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(path)), os.O_WRONLY, 0)
			}
		}
	}
	return nil, fmt.Errorf("no virtio serial port %q came up within %s: the kernel lacks virtio_console or virtio_pci", portName, patience)
}

// perform runs the job's scenarios, AtOnce at a time.
func (j *job) perform(out *outbox.Outbox[message]) {
	slots := make(chan struct{}, max(1, j.AtOnce))
	var all sync.WaitGroup
	for i := range j.Tasks {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			out.Send(message{Task: i, Began: true})
			j.Tasks[i].Scenario.Dir = j.Tasks[i].Dir
			logs, err := j.logsOf(i)
			if err == nil {
				_, err = harness.Run(context.Background(), j.Tasks[i].Scenario, harness.Options{
					Seed: j.Tasks[i].Seed, NoTracepoints: j.NoTracepoints, Forget: true, Logs: logs,
					Emit: func(e trace.Event) { send(out, i, &e) },
				})
			}
			err = cmp.Or(err, sendLogs(out, i, logs))
			done := message{Task: i, Done: true}
			if err != nil {
				done.fail(err)
			}
			out.Send(done)
		})
	}
	all.Wait()
}
