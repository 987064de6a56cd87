package vm

import (
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Options are the options of a virtual machine.
type Options struct {
	Kernel Kernel
	// Warp makes the guest's clock jump to the next timer whenever the guest is idle.
	Warp bool
	// NoTracepoints leaves the tracepoints of the guest's kernel alone.
	NoTracepoints bool
	// AtOnce is the number of tasks that run at once in the guest; at least 1.
	AtOnce int
	// Memory is the guest's memory in MiB; 0 is enough for usual labs.
	Memory int
	// Program is the path of the guest's init, a program that calls [halfopen/harness.Main] and
	// [Main]; "" is the running program.
	Program string
	// Stage, if not nil, is called with each stage reached, from several goroutines. A guest that
	// boots has the stages "packed" (its file system is packed, its kernel unpacked), "started"
	// (QEMU runs), "up" and "modules loaded" (both reported by the guest), and "ready" (it has read
	// its job). If it boots for a snapshot, "prepared" (the programs for tracepoints are loaded),
	// "saved" and a second "started" come before "ready". A guest that continues from a snapshot has
	// "restored" before "ready".
	Stage func(stage string)
	// Warn, if not nil, is called with the reasons why guests are slower than they need to be: they
	// cannot continue from snapshots here, the snapshot of this one is not kept for the next, or
	// KVM does not work.
	Warn func(error)
}

// Task is one run in the guest. Its functions are called one at a time.
type Task struct {
	Scenario *language.Scenario
	Seed     uint64
	Began    func()
	Emit     func(trace.Event)
	// Log, if not nil, is called after the last event with what programs wrote, in pieces of files named
	// by [trace.LogName]; together those of a guest have 16 MiB at most.
	Log func(name string, data []byte)
	// Ended is called once for each task, with its trace, or with the reason why there is none.
	Ended func(*trace.Trace, error)
}
