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
