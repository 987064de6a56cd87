package vm

import (
	"os"
	"time"
)

// accelerator is the way in which QEMU runs the guest's code.
type accelerator int

const (
	// warped is emulation that counts instructions, emulated is emulation in real time.
	warped accelerator = iota
	emulated
	kvm
	// saving is warped until the guest rests; restored continues from there.
	saving
	restored
)

// isMonitored reports whether QEMU gets commands.
func (a accelerator) isMonitored() bool { return a == saving || a == restored }

// isWarped reports whether QEMU counts instructions.
func (a accelerator) isWarped() bool { return a == warped || a.isMonitored() }

// bootArgs returns the boot arguments of a guest's kernel.
func (a accelerator) bootArgs() string {
	if a.isWarped() {
		return bootArgs + warpArgs
	}
	return bootArgs
}

// accelerators returns the accelerators to try, in order.
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

// patience is the time that a guest may take to come up. Some cloud machines have a /dev/kvm with
// which a guest makes no progress.
func (a accelerator) patience() time.Duration {
	switch a {
	case kvm:
		return 10 * time.Second
	case restored:
		return 30 * time.Second
	}
	return 90 * time.Second
}

// bootArgs are the boot arguments of the guest's kernel. They turn off work that costs time at boot
// and helps no lab: calibration of an exact clock, self-tests of cryptography, certificates,
// preparations for tracing, mitigations against other guests. Averages of pressure would wake the
// guest every few seconds.
const bootArgs = "console=ttyS0 quiet panic=-1 edd=off nokaslr norandmaps mitigations=off " +
	"init_on_alloc=0 audit=0 cryptomgr.notests nowatchdog psi=0 transparent_hugepage=never " +
	"cgroup_disable=memory " +
	"initcall_blacklist=load_system_certificate_list,init_blk_tracer,trace_eval_init,ftrace_check_for_weak_functions"

// warpArgs are additional boot arguments for time that QEMU counts in instructions. The TSC is
// exact then, and the HPET drives the clock, because calibrating the APIC's timer takes most of a
// boot. /dev/hpet and ACPI's clock are useless, and the kernel measures both for a long time.
// ACPI's routing of interrupts is a program to be interpreted, and useless too: virtio has MSI-X.
const warpArgs = " tsc=reliable noapictimer no_timer_check lpj=4000000 random.trust_cpu=off " +
	"random.trust_bootloader=off pci=noacpi initcall_blacklist=hpet_late_init,init_acpi_pm_clocksource"

// emulatedCPU has every feature that QEMU can emulate, except those that make kernel and programs
// copy and clear memory by single bytes: an emulated "rep movsb" is eight times slower than "rep
// movsq". level-func7 leaves out FZRM, FSRS and FSRC, for which QEMU 7.2 has no names.
const emulatedCPU = "max,-erms,-fsrm,level-func7=0"
