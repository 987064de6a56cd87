/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The records in the ring. bpf2go makes Go types of them, by which record_linux.go reads them. All
 * numbers are in the machine's byte order, ports too; addresses are in that of the network.
 */
#pragma once

#include "kernel.h"

/* The kinds of records, and of events: event.go has them in the same order. */
enum kind {
	KIND_TRANSITION,
	KIND_DROP,
	KIND_RETRANSMIT,
	KIND_RESET,
	KIND_PROBE,
	KIND_CALL,
	KINDS,
};

#define PACKET_BYTES 128
#define SYMBOL_BYTES 40
#define NO_REASON (~0U)

struct head {
	__u64 at; /* CLOCK_MONOTONIC, nanoseconds */
	__u64 cookie;
	__u32 netns;
	__u8 kind;
	__u8 state;
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u32 padding;
	__u8 local[16];
	__u8 remote[16];
};

struct transition {
	struct head head;
	__u8 from;
	__u8 to;
	__u8 fin_received;
	__u8 padding;
	__s32 err;
};

struct drop {
	struct head head;
	__u32 reason;
	__u32 captured; /* bytes of packet */
	__u8 symbol[SYMBOL_BYTES]; /* ends with NUL */
	__u8 packet[PACKET_BYTES];
};

struct retransmit {
	struct head head;
	__u32 seq;
	__u32 end_seq;
	__s32 err;
	__u8 flags;
	__u8 synack; /* sent by a request, which is no whole socket */
	__u16 padding;
};

struct reset {
	struct head head;
	__u32 reason;
	__u8 received;
	__u8 answers; /* a packet; else it was sent unasked */
	__u16 padding;
};

struct probe {
	struct head head;
	__u32 cwnd;
	__u32 ssthresh;
	__u32 srtt;
	__u32 send_window;
	__u32 in_flight;
	__u32 ca_state;
	__u32 left_out;
	__u32 padding;
};

/* How a system call is looked at; calls_linux.go has the same list, and says which call is which. */
enum call_class {
	CALL_UNSEEN,
	CALL_SOCKET,     /* socket */
	CALL_ADDRESS,    /* connect, bind */
	CALL_ACCEPT,     /* accept, accept4 */
	CALL_SENDTO,     /* sendto */
	CALL_RECVFROM,   /* recvfrom */
	CALL_SENDMSG,    /* sendmsg */
	CALL_RECVMSG,    /* recvmsg */
	CALL_PLAIN,      /* those of which the first argument is a descriptor, and others are numbers */
	CALL_SETSOCKOPT, /* setsockopt */
	CALL_GETSOCKOPT, /* getsockopt */
	CALL_RING,       /* io_uring_setup, which is not reported */
	CALL_POLL,       /* poll */
	CALL_PPOLL,      /* ppoll */
	CALL_SELECT,     /* select */
	CALL_PSELECT,    /* pselect6 */
	CALL_EPOLL,      /* epoll_wait, epoll_pwait */
	CALL_EPOLL2,     /* epoll_pwait2 */
};

#define CALL_NUMBERS 512
#define CALL_ARGUMENTS 6
#define CALL_DATA 32

/* A system call that a program of a lab made. The head's time is its end, or 0. */
struct call {
	struct head head; /* the socket's; of accept, that of the connection */
	__u64 began;
	__s64 result;
	__s64 timeout; /* nanoseconds; -1 is none */
	__u64 arguments[CALL_ARGUMENTS];
	__u32 number;
	/* Processes, as the lab numbers them: the one that a step started, and those that called. */
	__u32 root;
	__u32 pid;
	__u32 tid;
	__u16 type; /* of the socket: SOCK_STREAM, and IPPROTO_TCP */
	__u16 protocol;
	__u16 length; /* of data */
	__u8 class;
	__u8 padding;
	__u8 data[CALL_DATA]; /* the beginning of an address, an option's value, or the polled files */
};
