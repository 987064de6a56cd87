// Package tracepoint sees with the kernel's eyes: it reports what the kernel does with the TCP
// sockets and packets of the network namespaces that are watched, from the kernel's tracepoints, by
// eBPF. Sampling sockets misses what lasts less than the gap between two looks; this misses
// nothing, or counts what it missed: see [Lost].
//
// One [View] serves all labs of a process: [Open] loads the programs, [View.Watch] adds a
// namespace. Nothing is pinned, so that the kernel takes everything away when the process ends,
// however it ends.
//
// # What is seen
//
//   - sock:inet_sock_set_state gives each [Transition] of a TCP socket;
//   - skb:kfree_skb gives each [Drop], with its reason: an IP packet that the kernel discarded;
//   - tcp:tcp_retransmit_skb and tcp:tcp_retransmit_synack give each [Retransmit];
//   - tcp:tcp_send_reset and tcp:tcp_receive_reset give each [Reset];
//   - tcp:tcp_probe gives a [Probe] of a socket's congestion control, where it changed.
//
// A view that [OpenCalls] returns has each [Call] of programs on sockets, from
// raw_syscalls:sys_enter and sys_exit.
//
// # What is not seen
//
// Two states belong to small objects that take a socket's place, of which no tracepoint tells:
//
//   - SYN_RECV, of a request that a SYN made at a listener. The socket of the connection is made
//     by the last ACK of the handshake: its LISTEN -> SYN_RECV is at that ACK, and its
//     SYN_RECV -> ESTABLISHED some microseconds later. A request that never becomes a connection
//     shows only by its SYN-ACKs that are sent again ([Retransmit.SYNACK]). In a simultaneous
//     open and in a TCP Fast Open, a whole socket is in SYN_RECV and all is as it seems.
//   - TIME_WAIT. The socket goes FIN_WAIT2 -> CLOSE or CLOSING -> CLOSE when the small object
//     takes over. With [Transition.FINReceived] set and no error, that object is in TIME_WAIT
//     (unless there was no room for it: the counter TCPTimeWaitOverflow). FIN_WAIT2 -> CLOSE
//     without FINReceived, error and RST is a socket closed by its program, whose small object
//     waits for the peer's FIN for tcp_fin_timeout.
//
// A request, the socket that comes of it and the TIME_WAIT that comes of that have one cookie, the
// one of SO_COOKIE and sock_diag, so that samples of these states can be joined to the transitions.
//
// Kernels differ: [View.Missing] says what this one lacks.
package tracepoint

//go:generate sh bpf/generate.sh
