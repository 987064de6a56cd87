// Package strace sees the system calls of a program by strace(1), where the kernel does not let
// eBPF programs see them: it has the command that runs a program under strace, and reads what that
// prints into the same events, [tracepoint.Call] and [tracepoint.CallsLeft].
//
// strace prints all constants as numbers (-X raw) and all bytes of the program in hex (-xx), so
// nothing that the program writes, or names a file, can look like a part of a line. What is left out,
// and what is bounded, is as in package tracepoint; a call in progress when its process ends is
// left out, too.
package strace
