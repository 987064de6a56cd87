/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The few parts of the kernel that tracepoint.c reads, in place of a whole vmlinux.h. Offsets come
 * from the running kernel's BTF when the programs are loaded, so fields that are not read are left
 * out, and the order of fields means nothing.
 */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum; /* bpf_helper_defs.h names it */
typedef _Bool bool;

#define false 0
#define true 1

/* include/uapi/linux/bpf.h: enum bpf_map_type and flags of maps and helpers. */
#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_SK_STORAGE 24
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_F_NO_PREALLOC (1U << 0)
#define BPF_F_MMAPABLE (1U << 10)
#define BPF_SK_STORAGE_GET_F_CREATE (1ULL << 0)

/* include/linux/socket.h, include/uapi/linux/in.h, include/uapi/linux/if_ether.h */
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define IPPROTO_TCP 6
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

/* include/net/tcp_states.h */
#define TCP_SYN_RECV 3
#define TCP_TIME_WAIT 6
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

/* include/net/dst.h: the low bit of _skb_refdst says that no reference is held. */
#define SKB_DST_NOREF 1UL

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct {
		__s64 counter;
	} skc_cookie;
	unsigned long skc_flags;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
};

/* include/net/sock.h; only SOCK_DONE is used: a FIN was received. */
enum sock_flags {
	SOCK_DEAD,
	SOCK_DONE,
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u8 icsk_ca_state : 5;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 snd_wnd;
	__u32 srtt_us;
	__u32 packets_out;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_request_sock {
	__u32 snt_isn;
};

struct net_device {
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	char cb[48]; /* struct tcp_skb_cb */
	unsigned long _skb_refdst;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned int tail;
	unsigned char *head;
};

struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
	__u8 tcp_flags; /* since 6.15 two bytes, of which this is the lower one */
};

#pragma clang attribute pop

/* What is on the wire: include/uapi/linux/ip.h, ipv6.h, tcp.h. */
struct tcp_ports {
	__be16 source;
	__be16 dest;
};

#define TCP_SYN_ACK 0x12
#define IP_ADDRESSES 12  /* offset of saddr in an IPv4 header */
#define IPV6_ADDRESSES 8 /* offset of saddr in an IPv6 header */

#define ntohs(port) __builtin_bswap16(port)
