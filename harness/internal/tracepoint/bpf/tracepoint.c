/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the kernel does with the TCP sockets and packets of some network namespaces, as records in a
 * ring buffer. view_linux.go loads this, and record_linux.go decodes the records.
 *
 * Each tracepoint is a program, and each of them works without the others. Where kernels differ,
 * the loader says so by a constant, because the verifier refuses an argument that a tracepoint does
 * not have even where it is not read.
 *
 * Pointers that may be NULL are read by bpf_probe_read_kernel alone: kernels before 6.13 take each
 * argument of a tracepoint for a valid pointer, drop a test for NULL, and would follow it.
 *
 * The kernel lets programs call bpf_probe_read_kernel and its like only under a licence that is
 * compatible with the GPL; so this file has its own licence: GPL-2.0 or MIT, as you like.
 */
#include "ring.h"

/* Constants that the loader sets from the running kernel's BTF. */
volatile const bool kfree_skb_has_rx_sk;           /* since 6.11 */
volatile const bool tcp_send_reset_has_reason;     /* since 6.10 */
volatile const bool tcp_retransmit_skb_has_err;    /* since 6.15 */
volatile const __u32 reason_not_dropped = ~0U;     /* SKB_NOT_DROPPED_YET */
volatile const __u32 reason_consumed = ~0U;        /* SKB_CONSUMED, since 6.3 */

/* What is remembered of a socket while it lives. */
struct memory {
	__u64 syn_recv_at; /* when it left LISTEN, which is reported when the socket has its name */
	__u64 refilled_at; /* when tokens was last added to */
	__u64 tick;        /* the kernel's tick at the last look at the clock */
	__u32 tokens;      /* probe events it may still send */
	__u32 left_out;    /* changes that were not reported since the last probe event */
	__u32 cwnd;
	__u32 ssthresh;
	__u32 srtt;
	__u32 ca_state;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct memory);
} sockets SEC(".maps");

/* Keeps the types of the records in BTF, where bpf2go finds them. The loader leaves it out. */
union {
	struct transition transition;
	struct drop drop;
	struct retransmit retransmit;
	struct reset reset;
	struct probe probe;
} *types __attribute__((unused));

static __always_inline __u32 netns_of_common(const struct sock_common *common)
{
	return BPF_CORE_READ(common, skc_net.net, ns.inum);
}

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return netns_of_common(&sk->__sk_common);
}

/*
 * The namespace of a packet: that of the socket that sent it or took it, else that of its device.
 * An skb in one of TCP's trees has no device in the field but a neighbour in the tree; TCP gives it
 * no device again when it takes it out. What is read there is then no namespace that is watched.
 */
static __always_inline __u32 netns_of_skb(const struct sk_buff *skb)
{
	const struct sock *sk = BPF_CORE_READ(skb, sk);
	__u32 netns = sk ? netns_of(sk) : 0;
	unsigned long dst;

	if (!netns)
		netns = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
	if (!netns) {
		dst = BPF_CORE_READ(skb, _skb_refdst) & ~SKB_DST_NOREF;
		netns = BPF_CORE_READ((struct dst_entry *)dst, dev, nd_net.net, ns.inum);
	}
	return netns;
}

static __always_inline void describe_socket(struct head *h, const struct sock *sk)
{
	describe_common(h, &sk->__sk_common);
	/* A closed socket has given its port back, but still knows which it was. */
	if (h->family && h->state != TCP_NEW_SYN_RECV && h->state != TCP_TIME_WAIT && !h->local_port)
		h->local_port = ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
}

/* The addresses of the packet that a reset answers: its receiver is the local end. */
static __always_inline void describe_receiver(struct head *h, const struct sk_buff *skb)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	const unsigned char *network = head + BPF_CORE_READ(skb, network_header);
	const unsigned char *transport = head + BPF_CORE_READ(skb, transport_header);
	struct tcp_ports ports = {};

	if (BPF_CORE_READ(skb, protocol) == ntohs(ETH_P_IP)) {
		h->family = AF_INET;
		bpf_probe_read_kernel(h->remote, 4, network + IP_ADDRESSES);
		bpf_probe_read_kernel(h->local, 4, network + IP_ADDRESSES + 4);
	} else {
		h->family = AF_INET6;
		bpf_probe_read_kernel(h->remote, 16, network + IPV6_ADDRESSES);
		bpf_probe_read_kernel(h->local, 16, network + IPV6_ADDRESSES + 16);
	}
	bpf_probe_read_kernel(&ports, sizeof(ports), transport);
	h->remote_port = ntohs(ports.source);
	h->local_port = ntohs(ports.dest);
}

/* A transition of a socket whose addresses and cookie are what they remain. */
static __always_inline void report_transition(struct watched *w, __u32 netns, const struct sock *sk,
					      __u8 from, __u8 to, __u64 at)
{
	struct transition *e = RESERVE(w, KIND_TRANSITION, transition);
	unsigned long done = bpf_core_enum_value(enum sock_flags, SOCK_DONE);

	if (!e)
		return;
	describe(&e->head, KIND_TRANSITION, netns);
	describe_socket(&e->head, sk);
	e->head.cookie = bpf_get_socket_cookie((void *)sk);
	e->head.state = to;
	if (at)
		e->head.at = at;
	e->from = from;
	e->to = to;
	e->fin_received = BPF_CORE_READ(sk, __sk_common.skc_flags) >> done & 1;
	e->padding = 0;
	e->err = BPF_CORE_READ(sk, sk_err);
	bpf_ringbuf_submit(e, 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, const struct sock *sk, int from, int to)
{
	__u32 netns = netns_of(sk);
	struct watched *w = watching(netns);
	struct memory *m;
	__u64 at;

	if (!w || from == to || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (from == TCP_LISTEN && to == TCP_SYN_RECV) {
		/*
		 * A copy of the listener that is about to become a connection
		 * (inet_csk_clone_lock): it still has the listener's addresses, and a cookie
		 * given now would be overwritten by that of the request. It is reported with
		 * its next transition.
		 */
		m = bpf_sk_storage_get(&sockets, (void *)sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (m)
			m->syn_recv_at = bpf_ktime_get_ns();
		else
			__sync_fetch_and_add(&w->lost[KIND_TRANSITION], 1);
		return 0;
	}
	if (from == TCP_SYN_RECV) {
		m = bpf_sk_storage_get(&sockets, (void *)sk, 0, 0);
		if (m && m->syn_recv_at) {
			at = m->syn_recv_at;
			m->syn_recv_at = 0;
			report_transition(w, netns, sk, TCP_LISTEN, TCP_SYN_RECV, at);
		}
	}
	report_transition(w, netns, sk, from, to, 0);
	return 0;
}

/*
 * Makes the verifier forget what it knows of a variable. Without this it follows each path that
 * leads here to the end of the program, which takes longer than all else in loading it.
 */
#define forget(variable) bpf_probe_read_kernel(&(variable), sizeof(variable), &(variable))

/*
 * Whether a dropped packet is one of IP; or one of TCP's that has not become one yet, because there
 * was no route (ip_queue_xmit).
 */
static __always_inline bool is_packet(__be16 protocol, const struct sock *sk)
{
	if (protocol == ntohs(ETH_P_IP) || protocol == ntohs(ETH_P_IPV6))
		return true;
	return !protocol && sk && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(kfree_skb, const struct sk_buff *skb, void *location)
{
	__u32 reason = ctx[2], netns = 0, from;
	__u64 length;
	const struct sock *sk = BPF_CORE_READ(skb, sk), *rx_sk;
	__be16 protocol = BPF_CORE_READ(skb, protocol);
	__u64 cookie = 0, args[1];
	const unsigned char *head;
	struct watched *w;
	struct drop *e;

	if (reason == reason_not_dropped || reason == reason_consumed)
		return 0;
	if (!is_packet(protocol, sk))
		return 0;
	forget(protocol);
	if (kfree_skb_has_rx_sk) {
		rx_sk = (const struct sock *)ctx[3];
		if (rx_sk) {
			netns = netns_of(rx_sk);
			/* A capture that did not keep up: the packet itself went on. */
			if (BPF_CORE_READ(rx_sk, __sk_common.skc_family) == AF_PACKET)
				return 0;
			if (watching(netns))
				cookie = bpf_get_socket_cookie((void *)rx_sk);
			if (cookie)
				bpf_probe_read_kernel(&sk, sizeof(sk), &rx_sk);
		}
	}
	if (!netns)
		netns = netns_of_skb(skb);
	w = watching(netns);
	if (!w)
		return 0;
	e = RESERVE(w, KIND_DROP, drop);
	if (!e)
		return 0;
	describe(&e->head, KIND_DROP, netns);
	forget(sk);
	forget(cookie);
	if (sk) {
		describe_socket(&e->head, sk);
		if (!cookie)
			cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	}
	e->head.cookie = cookie;
	e->reason = reason;
	args[0] = (__u64)location;
	if (bpf_snprintf((char *)e->symbol, sizeof(e->symbol), "%ps", args, sizeof(args)) < 0)
		e->symbol[0] = 0;

	head = BPF_CORE_READ(skb, head);
	from = BPF_CORE_READ(skb, network_header);
	length = BPF_CORE_READ(skb, tail) - from;
	asm volatile("" : "+r"(length)); /* the verifier wants the bound of this register */
	if (length > PACKET_BYTES)
		length = PACKET_BYTES;
	e->captured = length;
	if (!protocol || bpf_probe_read_kernel(e->packet, length, head + from))
		e->captured = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline void report_retransmit(struct watched *w, __u32 netns, const struct sock *sk,
					      const struct sk_buff *skb, __s32 err)
{
	struct retransmit *e = RESERVE(w, KIND_RETRANSMIT, retransmit);
	const struct tcp_skb_cb *cb = (const struct tcp_skb_cb *)&skb->cb;

	if (!e)
		return;
	describe(&e->head, KIND_RETRANSMIT, netns);
	describe_socket(&e->head, sk);
	e->head.cookie = bpf_get_socket_cookie((void *)sk);
	e->seq = BPF_CORE_READ(cb, seq);
	e->end_seq = BPF_CORE_READ(cb, end_seq);
	e->flags = BPF_CORE_READ(cb, tcp_flags);
	e->err = err;
	e->synack = 0;
	e->padding = 0;
	bpf_ringbuf_submit(e, 0);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, const struct sock *sk, const struct sk_buff *skb)
{
	__u32 netns = netns_of(sk);
	struct watched *w = watching(netns);

	if (w)
		report_retransmit(w, netns, sk, skb, tcp_retransmit_skb_has_err ? (__s32)ctx[2] : 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack, const struct sock *sk, const struct request_sock *req)
{
	__u32 netns = netns_of(sk);
	struct watched *w = watching(netns);
	struct retransmit *e;

	if (!w)
		return 0;
	e = RESERVE(w, KIND_RETRANSMIT, retransmit);
	if (!e)
		return 0;
	describe(&e->head, KIND_RETRANSMIT, netns);
	describe_common(&e->head, &req->__req_common);
	e->head.cookie = bpf_get_socket_cookie((void *)req);
	e->seq = BPF_CORE_READ((const struct tcp_request_sock *)req, snt_isn);
	e->end_seq = e->seq + 1;
	e->err = 0;
	e->flags = TCP_SYN_ACK;
	e->synack = 1;
	e->padding = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, const struct sock *sk, const struct sk_buff *skb)
{
	__u32 netns = 0;
	struct watched *w;
	struct reset *e;

	if (sk)
		netns = netns_of(sk);
	if (!netns && skb)
		netns = netns_of_skb(skb);
	w = watching(netns);
	if (!w)
		return 0;
	e = RESERVE(w, KIND_RESET, reset);
	if (!e)
		return 0;
	describe(&e->head, KIND_RESET, netns);
	if (sk) {
		describe_socket(&e->head, sk);
		e->head.cookie = bpf_get_socket_cookie((void *)sk);
	}
	e->answers = 0;
	if (skb && BPF_CORE_READ(skb, head)) {
		describe_receiver(&e->head, skb);
		e->answers = 1;
	}
	e->reason = tcp_send_reset_has_reason ? (__u32)ctx[2] : NO_REASON;
	e->received = 0;
	e->padding = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk)
{
	__u32 netns = netns_of(sk);
	struct watched *w = watching(netns);
	struct reset *e;

	if (!w)
		return 0;
	e = RESERVE(w, KIND_RESET, reset);
	if (!e)
		return 0;
	describe(&e->head, KIND_RESET, netns);
	describe_socket(&e->head, sk);
	e->head.cookie = bpf_get_socket_cookie(sk);
	e->reason = NO_REASON;
	e->received = 1;
	e->answers = 0;
	e->padding = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/*
 * So many changes of a socket are reported one after the other, and then one each interval: each
 * wakes the reader, which costs more than all the rest.
 */
#define PROBE_BURST 256
#define PROBE_INTERVAL (8 * 1000 * 1000ULL)

/* Whether a change may be reported now. */
static __always_inline bool allowed(struct memory *m)
{
	__u64 tick = bpf_jiffies64(), now, earned;

	if (m->tick != tick) { /* the clock is not read oftener */
		m->tick = tick;
		now = bpf_ktime_get_ns();
		earned = (now - m->refilled_at) / PROBE_INTERVAL;
		if (earned >= PROBE_BURST - m->tokens) {
			m->tokens = PROBE_BURST;
			m->refilled_at = now;
		} else {
			m->tokens += earned;
			m->refilled_at += earned * PROBE_INTERVAL;
		}
	}
	if (!m->tokens) {
		m->left_out++;
		return false;
	}
	m->tokens--;
	return true;
}

/*
 * This runs for each segment that comes in, so what is cheap comes first. What is remembered of a
 * socket answers most times; only a socket of a namespace that is watched, or was, is remembered.
 */
SEC("tp_btf/tcp_probe")
int BPF_PROG(tcp_probe, struct sock *sk)
{
	struct memory *m = bpf_sk_storage_get(&sockets, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct watched *w;
	struct probe *e;
	__u32 netns, ca_state;

	if (!tp)
		return 0;
	ca_state = BPF_CORE_READ_BITFIELD(&tp->inet_conn, icsk_ca_state);
	if (m) {
		if (m->cwnd == tp->snd_cwnd && m->ssthresh == tp->snd_ssthresh &&
		    m->srtt == tp->srtt_us && m->ca_state == ca_state)
			return 0;
		if (!allowed(m))
			return 0;
	}
	netns = netns_of(sk);
	w = watching(netns);
	if (!w)
		return 0;
	if (!m) {
		m = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!m) {
			__sync_fetch_and_add(&w->lost[KIND_PROBE], 1);
			return 0;
		}
	}
	e = RESERVE(w, KIND_PROBE, probe);
	if (!e)
		return 0;
	m->cwnd = tp->snd_cwnd;
	m->ssthresh = tp->snd_ssthresh;
	m->srtt = tp->srtt_us;
	m->ca_state = ca_state;
	describe(&e->head, KIND_PROBE, netns);
	describe_socket(&e->head, sk);
	e->head.cookie = bpf_get_socket_cookie(sk);
	e->cwnd = m->cwnd;
	e->ssthresh = m->ssthresh;
	e->srtt = m->srtt;
	e->send_window = tp->snd_wnd;
	e->in_flight = tp->packets_out;
	e->ca_state = ca_state;
	e->left_out = m->left_out;
	e->padding = 0;
	m->left_out = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
