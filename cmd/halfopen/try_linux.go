package main

import "golang.org/x/sys/unix"

// signalNumber returns the number of a signal, by its name without SIG.
func signalNumber(name string) int { return int(unix.SignalNum("SIG" + name)) }
