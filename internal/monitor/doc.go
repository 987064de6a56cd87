// Package monitor makes the monitor thread of Go's runtime (sysmon in runtime/proc.go) wake less
// often.
//
// The monitor takes the processor, which the runtime calls a P, from a goroutine whose system call
// lasts. It sleeps while nothing runs. Each system call after that wakes it, and it looks every
// 20 us, until nothing runs again. In a process that is woken by each packet, for a few system calls
// each time, that was half of all wake-ups and a third of the processor time.
package monitor

import "runtime"

// Spare is how many processors the runtime should have in addition to those of the machine, in a
// process with goroutines whose system calls last. Each of them keeps one until the monitor has
// looked. Even without a relaxed monitor they are needed: a thread that returns from a system call
// needs one, and on a busy machine, threads that wait for the kernel to run them keep theirs.
const Spare = 4

// Provide makes the runtime have n processors more than now, for n more goroutines whose system
// calls last at the same time.
func Provide(n int) { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n) }
