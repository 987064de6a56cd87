/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The system calls on sockets that the programs of labs make, as records in a ring buffer.
 * calls_linux.go loads this, and decodes the records.
 *
 * The programs run at each system call of the whole machine, so what is cheap comes first. A process
 * belongs to a program of a lab if it executes a file in a network namespace that is watched, and
 * must never have CAP_SYS_ADMIN: actor/privilege_linux.go takes that from programs, and halfopen's own
 * processes have it. What such a process starts belongs to the same program.
 *
 * Only calls on sockets of IP are reported, and those that wait for files for QUICK or longer. Calls
 * of 32-bit programs are not seen, nor is what io_uring does: each time that such a program, or a
 * ring, is made, one call counts as lost.
 */
#include "ring.h"

/* How each system call is looked at, by its number; the loader sets it for its architecture. */
volatile const __u8 classes[CALL_NUMBERS];

/* Calls that wait for files are reported only if they took so long. */
#define QUICK (1000 * 1000ULL)

/*
 * So many calls of a program are reported, the first ones, and after them so many that failed, found
 * the end of the data, or took SLOW or longer. The others are counted.
 */
#define MOST_CALLS 10000
#define MOST_NOTABLE 2000
#define SLOW (10 * 1000 * 1000ULL)

/* The reader is woken when so much is in the ring: nobody needs a call at once. */
#define ENOUGH (256 << 10)

/* A process of a program. */
struct process {
	__u32 netns; /* the one that it was executed in first */
	__u32 root;  /* the first process of the program */
	__u32 pid;
	__u32 level; /* that of the lab's PID namespace, which has given root and pid */
};

/* By their numbers (tgid), until they end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* A socket that a thread has made a call on, and its description. */
struct known {
	__u64 socket; /* the struct socket, and its struct sock */
	__u64 sock;
	__u16 type;
	__u16 protocol;
	__u32 padding;
	struct head head;
};

#define KNOWN 4

/* A thread of a program, and its latest call. */
struct thread {
	struct call call;
	__u64 busy; /* the call is in progress */
	struct known known[KNOWN]; /* by the last bits of the descriptor */
};

/* By their numbers (tid), from their first call to their end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 13);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct program_key {
	__u32 netns;
	__u32 root;
};

struct budget {
	__u64 calls;
	__u64 notable;
};

/* The calls of each program that were reported, until its namespace is not watched any more. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct program_key);
	__type(value, struct budget);
} budgets SEC(".maps");

struct left_key {
	struct program_key program;
	__u32 number;
	__s32 error;
};

/* How many calls were not reported, by what came of them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct left_key);
	__type(value, __u64);
} left SEC(".maps");

/* Keeps the types in BTF, where bpf2go finds them. The loader leaves it out. */
union {
	struct thread thread;
	struct left_key left;
} *types __attribute__((unused));

/* The number of a process in the namespace of a level. */
static __always_inline __u32 number_at(struct pid *pid, __u32 level)
{
	const char *numbers = (const char *)&pid->numbers[0];
	struct upid found = {};

	if (BPF_CORE_READ(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(&found.nr, sizeof(found.nr),
			      numbers + level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return found.nr;
}

static __always_inline void lose(__u32 netns)
{
	struct watched *w = watching(netns);

	if (w)
		__sync_fetch_and_add(&w->lost[KIND_CALL], 1);
}

static __always_inline bool is_compat(const struct task_struct *task)
{
	const struct task_struct___x86 *x86 = (const void *)task;
	const struct task_struct___arm64 *arm64 = (const void *)task;

	if (bpf_core_field_exists(x86->thread_info.status))
		return BPF_CORE_READ(x86, thread_info.status) & TS_COMPAT;
	return BPF_CORE_READ(arm64, thread_info.flags) & TIF_32BIT;
}

/* A program of a lab begins. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, __u32 old_tid)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct process p = {};
	struct program_key key;
	struct budget none = {};
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 bounding = ~0U;

	bpf_map_delete_elem(&threads, &old_tid); /* the number of the thread changes to that of its process */
	p.netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	if (!watching(p.netns))
		return 0;
	bpf_probe_read_kernel(&bounding, sizeof(bounding), &cred->cap_bset);
	if (bounding & 1U << CAP_SYS_ADMIN)
		return 0;
	if (is_compat(task)) /* nobody knows what it does */
		lose(p.netns);
	if (bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	p.level = BPF_CORE_READ(pid, level);
	p.root = p.pid = number_at(pid, p.level);
	key.netns = p.netns;
	key.root = p.root;
	bpf_map_update_elem(&budgets, &key, &none, 0);
	if (bpf_map_update_elem(&processes, &tgid, &p, 0))
		lose(p.netns);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = BPF_CORE_READ(parent, tgid), to = BPF_CORE_READ(child, tgid);
	struct process *p, made;

	if (from == to)
		return 0; /* a thread */
	p = bpf_map_lookup_elem(&processes, &from);
	if (!p)
		return 0;
	made = *p;
	made.pid = number_at(BPF_CORE_READ(child, thread_pid), p->level);
	if (bpf_map_update_elem(&processes, &to, &made, 0))
		lose(made.netns);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32, tid = id;

	/*
	 * Before Linux 6.16, several threads that end together may all be here after the last of them was
	 * counted: the first takes away the process.
	 */
	bpf_map_delete_elem(&threads, &tid);
	if (BPF_CORE_READ(task, signal, live.counter) <= 0)
		bpf_map_delete_elem(&processes, &tgid);
	return 0;
}

/* The struct socket that a descriptor names, if it names a socket; else some other pointer. */
static __always_inline struct socket *file_at(struct task_struct *task, __u32 fd, struct file **file)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);

	*file = 0;
	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(file, sizeof(*file), BPF_CORE_READ(table, fd) + fd);
	return BPF_CORE_READ(*file, private_data);
}

static __always_inline __u64 cookie_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* Describes the socket of IP that a descriptor names; false if it names none. */
static __always_inline bool describe_file(struct thread *t, struct task_struct *task, __u32 fd,
					  bool again)
{
	struct known *k = &t->known[fd % KNOWN];
	struct file *file;
	struct socket *socket = file_at(task, fd, &file);
	struct sock *sk;
	__u16 family;

	if (!socket)
		return false;
	/* Most calls are made on a socket of one before. A cookie is never given twice. */
	if (again || k->socket != (__u64)socket || !k->head.remote_port ||
	    k->head.cookie != cookie_of((struct sock *)k->sock)) {
		if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
			return false;
		sk = BPF_CORE_READ(socket, sk);
		family = BPF_CORE_READ(sk, __sk_common.skc_family);
		if (family != AF_INET && family != AF_INET6)
			return false;
		__builtin_memset(&k->head, 0, sizeof(k->head));
		describe_common(&k->head, &sk->__sk_common);
		k->head.kind = KIND_CALL;
		k->head.cookie = cookie_of(sk);
		k->type = BPF_CORE_READ(sk, sk_type);
		k->protocol = BPF_CORE_READ(sk, sk_protocol);
		k->sock = (__u64)sk;
		/* Without a cookie, another socket in its place could not be told from it. */
		k->socket = k->head.cookie ? (__u64)socket : 0;
	}
	t->call.head = k->head;
	t->call.type = k->type;
	t->call.protocol = k->protocol;
	return true;
}

static __always_inline void describe_none(struct call *c)
{
	__builtin_memset(&c->head, 0, sizeof(c->head));
	c->head.kind = KIND_CALL;
	c->type = c->protocol = 0;
}

/* Copies the beginning of what the program has at an address, of a size that it names. */
static __always_inline void copy(struct call *c, __u64 from, __u64 size)
{
	asm volatile("" : "+r"(size)); /* the verifier wants the bound of this register */
	if (size > CALL_DATA)
		size = CALL_DATA;
	if (from && !bpf_probe_read_user(c->data, size, (const void *)from))
		c->length = size;
}

/* The same, of an address whose size is at another address, and was given back there. */
static __always_inline void copy_sized(struct call *c, __u64 from, __u64 size)
{
	__u32 bytes = 0;

	if (from && size && !bpf_probe_read_user(&bytes, sizeof(bytes), (const void *)size))
		copy(c, from, bytes);
}

/* The name in a struct user_msghdr. */
static __always_inline void copy_name(struct call *c, __u64 message)
{
	struct {
		__u64 name;
		__u32 length;
		__u32 padding;
	} m = {};

	if (!bpf_probe_read_user(&m, sizeof(m), (const void *)message))
		copy(c, m.name, m.length);
}

/* A struct timespec, or timeval, in nanoseconds. */
static __always_inline __s64 time_at(__u64 from, __s64 unit)
{
	__s64 t[2] = {};

	if (!from || bpf_probe_read_user(t, sizeof(t), (const void *)from))
		return -1;
	return t[0] * 1000000000LL + t[1] * unit;
}

static __always_inline __s64 milliseconds(__u64 n)
{
	return (__s32)n < 0 ? -1 : (__s32)n * 1000000LL;
}

/* Reads what the program passes in; false if the call is not one that is reported. */
static __always_inline bool look_in(struct call *c)
{
	__u64 *a = c->arguments;

	switch (c->class) {
	case CALL_SOCKET:
		return a[0] == AF_INET || a[0] == AF_INET6;
	case CALL_ADDRESS:
		copy(c, a[1], a[2]);
		break;
	case CALL_SENDTO:
		copy(c, a[4], a[5]);
		break;
	case CALL_SENDMSG:
		copy_name(c, a[1]);
		break;
	case CALL_SETSOCKOPT:
		copy(c, a[3], a[4]);
		break;
	case CALL_GETSOCKOPT:
		return a[1] == SOL_SOCKET && a[2] == SO_ERROR;
	case CALL_POLL:
		c->timeout = milliseconds(a[2]);
		copy(c, a[0], a[1] * 8);
		break;
	case CALL_PPOLL:
		c->timeout = time_at(a[2], 1);
		copy(c, a[0], a[1] * 8);
		break;
	case CALL_SELECT:
		c->timeout = time_at(a[4], 1000);
		break;
	case CALL_PSELECT:
		c->timeout = time_at(a[4], 1);
		break;
	case CALL_EPOLL:
		c->timeout = milliseconds(a[3]);
		break;
	case CALL_EPOLL2:
		c->timeout = time_at(a[3], 1);
		break;
	}
	return true;
}

/* Reads what the kernel has given back, and what look_in could not read. */
static __always_inline void look_out(struct call *c)
{
	__u64 *a = c->arguments;

	switch (c->class) {
	case CALL_ADDRESS:
	case CALL_SENDTO:
	case CALL_SENDMSG:
	case CALL_SETSOCKOPT:
		if (!c->length)
			look_in(c);
		break;
	case CALL_ACCEPT:
		if (c->result >= 0)
			copy_sized(c, a[1], a[2]);
		break;
	case CALL_RECVFROM:
		if (c->result >= 0)
			copy_sized(c, a[4], a[5]);
		break;
	case CALL_RECVMSG:
		if (c->result >= 0)
			copy_name(c, a[1]);
		break;
	case CALL_GETSOCKOPT:
		if (c->result >= 0)
			copy_sized(c, a[3], a[4]);
		break;
	case CALL_POLL:
	case CALL_PPOLL:
		copy(c, a[0], a[1] * 8);
		break;
	}
}

static __always_inline bool waits(__u8 class) { return class >= CALL_POLL; }

static __always_inline void read_arguments(struct call *c, const void *regs)
{
	const struct pt_regs___x86 *x86 = regs;
	const struct pt_regs___arm64 *arm64 = regs;

	if (bpf_core_field_exists(x86->r10)) {
		c->arguments[0] = x86->di;
		c->arguments[1] = x86->si;
		c->arguments[2] = x86->dx;
		c->arguments[3] = x86->r10;
		c->arguments[4] = x86->r8;
		c->arguments[5] = x86->r9;
	} else {
		c->arguments[0] = arm64->orig_x0;
		c->arguments[1] = arm64->regs[1];
		c->arguments[2] = arm64->regs[2];
		c->arguments[3] = arm64->regs[3];
		c->arguments[4] = arm64->regs[4];
		c->arguments[5] = arm64->regs[5];
	}
}

/* A thread that has made no call; too large for the stack. */
volatile const struct thread no_calls = {};

static __always_inline struct thread *thread_of(__u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&threads, &tid);

	if (t)
		return t;
	bpf_map_update_elem(&threads, &tid, (const void *)&no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, void *regs, unsigned long number)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32, tid = id;
	struct task_struct *task;
	struct process *p;
	struct thread *t;
	struct call *c;
	__u8 class;

	if (number >= CALL_NUMBERS)
		return 0;
	class = classes[number];
	if (!class)
		return 0;
	p = bpf_map_lookup_elem(&processes, &tgid);
	if (!p)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (is_compat(task))
		return 0;
	t = thread_of(tid);
	if (!t) {
		lose(p->netns);
		return 0;
	}
	c = &t->call;
	read_arguments(c, regs);
	if (class == CALL_SOCKET || class == CALL_RING || waits(class))
		describe_none(c);
	else if (!describe_file(t, task, c->arguments[0], false))
		return 0;
	c->class = class;
	c->number = number;
	c->result = 0;
	c->length = 0;
	c->timeout = -1;
	if (!look_in(c) || !c->timeout)
		return 0;
	c->head.netns = p->netns;
	c->root = p->root;
	c->pid = c->tid = p->pid;
	if (tid != tgid)
		c->tid = number_at(BPF_CORE_READ(task, thread_pid), p->level);
	c->began = bpf_ktime_get_ns();
	t->busy = 1;
	return 0;
}

/* Whether a call is reported. */
static __always_inline bool spend(const struct call *c)
{
	struct program_key key = {c->head.netns, c->root};
	struct budget *b = bpf_map_lookup_elem(&budgets, &key);
	bool failed = c->result < 0 && c->result != -EAGAIN && c->result != -EINPROGRESS;
	bool end = !c->result && (c->class == CALL_RECVFROM || c->class == CALL_RECVMSG);
	struct left_key other = {key, c->number, c->result < 0 ? c->result : 0};
	__u64 one = 1, *n;

	if (!b) /* there was no room for it */
		return true;
	if (b->calls < MOST_CALLS) {
		__sync_fetch_and_add(&b->calls, 1);
		return true;
	}
	if ((failed || end || c->head.at - c->began >= SLOW) && b->notable < MOST_NOTABLE) {
		__sync_fetch_and_add(&b->notable, 1);
		return true;
	}
	n = bpf_map_lookup_elem(&left, &other);
	if (n)
		__sync_fetch_and_add(n, 1);
	else if (bpf_map_update_elem(&left, &other, &one, BPF_NOEXIST))
		lose(c->head.netns);
	return false;
}

static __always_inline void report_call(struct thread *t)
{
	struct call *c = &t->call, *e;
	__u64 at = c->head.at;
	__u32 netns = c->head.netns, fd = c->arguments[0];
	struct watched *w;

	if (c->class == CALL_RING) { /* nobody knows what is done by it */
		if ((__s64)c->result >= 0)
			lose(netns);
		return;
	}
	if ((waits(c->class) && at - c->began < QUICK) || !spend(c))
		return;
	w = watching(netns);
	if (!w)
		return;
	look_out(c);
	/* The call may have given the socket a name, or made one. */
	if ((c->class == CALL_ACCEPT || c->class == CALL_SOCKET) && c->result >= 0)
		fd = c->result;
	if (fd != c->arguments[0] || c->class == CALL_ADDRESS || c->class == CALL_SENDTO) {
		describe_file(t, (struct task_struct *)bpf_get_current_task(), fd, true);
		c->head.at = at;
		c->head.netns = netns;
	}
	e = RESERVE(w, KIND_CALL, call);
	if (!e)
		return;
	__builtin_memcpy(e, c, sizeof(*e));
	bpf_ringbuf_submit(e, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < ENOUGH ?
				      BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, void *regs, long result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct thread *t = bpf_map_lookup_elem(&threads, &tid);

	if (!t || !t->busy)
		return 0;
	t->call.head.at = bpf_ktime_get_ns();
	t->call.result = result;
	report_call(t);
	t->busy = 0;
	return 0;
}
