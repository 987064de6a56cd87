/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The ring buffer of an object, the namespaces that it is watched for, and the head that all its
 * records have. tracepoint.c and calls.c each have their own: programs that make very many calls
 * cost no other event its place.
 */
#pragma once

#include "kernel.h"
#include "record.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * The SHA-256 of the headers and the file that includes this, from generate.sh: by it a test finds
 * out whether the object is of this source.
 */
volatile const char source[65] = SOURCE;

volatile const __u64 share = 1 << 20;              /* bytes that a namespace may have in the ring */

#define MAX_NAMESPACES 4096

/* The namespaces that are watched, by inode. */
struct watched {
	__u64 slot;        /* the index in taken */
	__u64 given;       /* bytes that were put into the ring */
	__u64 lost[KINDS]; /* events that did not fit */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_NAMESPACES);
	__type(key, __u32);
	__type(value, struct watched);
} namespaces SEC(".maps");

/* The bytes that were taken out of the ring, by slot. The reader writes them, by shared memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_NAMESPACES);
	__type(key, __u32);
	__type(value, __u64);
} taken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

static __always_inline struct watched *watching(__u32 netns)
{
	return bpf_map_lookup_elem(&namespaces, &netns);
}

/* Room for a record in the ring, if the namespace's share and the ring have it. */
static __always_inline void *reserve(struct watched *w, enum kind kind, __u32 size)
{
	__u32 slot = w->slot;
	__u64 *done = bpf_map_lookup_elem(&taken, &slot);
	void *record = 0;

	if (done && w->given - *done < share)
		record = bpf_ringbuf_reserve(&ring, size, 0);
	if (record)
		__sync_fetch_and_add(&w->given, size);
	else
		__sync_fetch_and_add(&w->lost[kind], 1);
	return record;
}

#define RESERVE(w, kind, type) ((struct type *)reserve(w, kind, sizeof(struct type)))

static __always_inline void describe(struct head *h, enum kind kind, __u32 netns)
{
	__builtin_memset(h, 0, sizeof(*h));
	h->at = bpf_ktime_get_ns();
	h->netns = netns;
	h->kind = kind;
}

/*
 * State and addresses, as the socket has them; a request and a TIME_WAIT have the same fields.
 * Other sockets than those of IP have none.
 */
static __always_inline void describe_common(struct head *h, const struct sock_common *c)
{
	__u16 family = BPF_CORE_READ(c, skc_family);

	if (family == AF_INET) {
		bpf_probe_read_kernel(h->local, 4, &c->skc_rcv_saddr);
		bpf_probe_read_kernel(h->remote, 4, &c->skc_daddr);
	} else if (family == AF_INET6 && bpf_core_field_exists(c->skc_v6_daddr)) {
		bpf_probe_read_kernel(h->local, 16, &c->skc_v6_rcv_saddr);
		bpf_probe_read_kernel(h->remote, 16, &c->skc_v6_daddr);
	} else {
		return;
	}
	h->family = family;
	h->state = BPF_CORE_READ(c, skc_state);
	h->local_port = BPF_CORE_READ(c, skc_num);
	h->remote_port = ntohs(BPF_CORE_READ(c, skc_dport));
}
