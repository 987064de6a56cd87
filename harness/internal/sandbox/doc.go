// Package sandbox keeps the host untouched. It runs the program again as PID 1 of new namespaces,
// including a user namespace unless it is root, and prepares that process to be a lab.
//
// Nothing has to be cleaned up afterwards. All processes of a lab are in the sandbox's PID
// namespace, so the kernel kills them when PID 1 dies. Only those processes hold the namespaces,
// links, rules and mounts, so these go with them. PID 1 itself dies with the thread that started it
// (Pdeathsig), and that thread lives as long as the program.
package sandbox
