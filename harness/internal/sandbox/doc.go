// Package sandbox keeps the host untouched: it re-executes the program as PID 1 of fresh namespaces, in a user namespace of
// its own unless it is root, and makes that process ready to be a lab.
//
// Nothing has to be cleaned up afterwards. Every process of a lab lives in the sandbox's PID namespace, so when PID 1 dies
// the kernel kills them all; every namespace, link, rule and mount is held by those processes only, so it goes with them.
// PID 1 itself dies with the thread that started it (Pdeathsig), which is one that lives as long as the program.
package sandbox
