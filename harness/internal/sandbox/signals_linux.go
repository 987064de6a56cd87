package sandbox

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// endured are the signals that would end or stop a Go program, except those that no process can
// refuse, and SIGPIPE, which the runtime handles.
var endured = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL,
	syscall.SIGTRAP, syscall.SIGSYS, syscall.SIGSTKFLT,
	syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU,
}

// Endure makes this process go on when another one sends it a signal that would end or stop it, such
// as SIGTERM: a program of a scenario may send signals to every process of its lab, and a lab ends
// only by its parent. The signals in except keep their effect. So do faults of this process itself.
//
// The signals are not ignored but handled: programs that this process starts get them as usual.
func Endure(except ...syscall.Signal) {
	var all []os.Signal
	for _, s := range endured {
		if !slices.Contains(except, s) {
			all = append(all, s)
		}
	}
	// Nobody reads the channel, and package signal does not wait for that.
	signal.Notify(make(chan os.Signal, 1), all...)
}
