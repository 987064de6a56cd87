package language

// Sockstat counts the sockets of the actor's host: what the kernel counts (proc_pid_net(5), sockstat), and TCP sockets by
// their state.
type Sockstat struct{}
