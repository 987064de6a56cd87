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
#define BPF_RB_NO_WAKEUP (1ULL << 0)
#define BPF_RB_FORCE_WAKEUP (1ULL << 1)
#define BPF_RB_AVAIL_DATA 0
#define BPF_NOEXIST 1
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
	__u16 sk_type;
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

/* Processes, and their open files. */
struct upid {
	int nr;
};

struct pid {
	unsigned int level; /* the number of PID namespaces around its own */
	struct upid numbers[1];
};

struct nsproxy {
	struct net *net_ns;
};

struct cred {
	struct {
		__u32 words[2];
	} cap_bset; /* since 6.3 one number of 64 bits */
};

struct inode {
	unsigned short i_mode;
};

struct socket {
	struct sock *sk;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct signal_struct {
	struct {
		int counter;
	} live; /* how many threads of the process have not ended */
};

struct task_struct {
	int pid;
	int tgid;
	struct pid *thread_pid;
	const struct cred *cred;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
};

/* The registers at a system call, by architecture; bpf_core_field_exists says which it is. */
struct pt_regs___x86 {
	unsigned long di, si, dx, r10, r8, r9;
};

struct pt_regs___arm64 {
	unsigned long regs[31];
	unsigned long orig_x0;
};

/* Whether a system call is one of 32 bits. */
struct thread_info___x86 {
	__u32 status;
};

struct thread_info___arm64 {
	unsigned long flags;
};

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
};

struct task_struct___arm64 {
	struct thread_info___arm64 thread_info;
};

#pragma clang attribute pop

/* arch/x86/include/asm/thread_info.h and arch/arm64/include/asm/thread_info.h */
#define TS_COMPAT 2
#define TIF_32BIT (1UL << 22)

/* include/uapi/linux/stat.h, include/uapi/linux/capability.h, include/uapi/asm-generic/errno*.h */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define CAP_SYS_ADMIN 21
#define EAGAIN 11
#define EINPROGRESS 115
#define SOL_SOCKET 1
#define SO_ERROR 4

/* What is on the wire: include/uapi/linux/ip.h, ipv6.h, tcp.h. */
struct tcp_ports {
	__be16 source;
	__be16 dest;
};

#define TCP_SYN_ACK 0x12
#define IP_ADDRESSES 12  /* offset of saddr in an IPv4 header */
#define IPV6_ADDRESSES 8 /* offset of saddr in an IPv6 header */

#define ntohs(port) __builtin_bswap16(port)
