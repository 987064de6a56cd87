package strace

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/harness/internal/tracepoint"
)

const (
	// root is the program of all tests. Lines begin at clock, plus their own fraction.
	root  = 7
	clock = 1796040525
	ahead = clock * time.Second
)

// text describes a call by all fields that are set.
func text(c tracepoint.Call) string {
	var b strings.Builder
	if c.PID != root || c.TID != root {
		fmt.Fprintf(&b, "%d/%d ", c.PID, c.TID)
	}
	fmt.Fprintf(&b, "%s", c.Name)
	set := func(name string, value any, is bool) {
		if is {
			fmt.Fprintf(&b, " %s=%v", name, value)
		}
	}
	set("fd", c.FD, c.FD >= 0)
	set("type", fmt.Sprintf("%d/%d", c.Type, c.Protocol), c.Type != 0)
	set("local", c.Socket.Local, c.Socket.Local.IsValid())
	set("remote", c.Socket.Remote, c.Socket.Remote.IsValid())
	set("address", c.Address, c.Address.IsValid())
	set("size", c.Size, c.Size >= 0)
	set("flags", c.Flags, c.Flags != 0)
	set("option", fmt.Sprintf("%d/%d:%x", c.Level, c.Option, c.Value), c.Option != 0)
	set("polled", c.Polled, c.Polled != nil)
	set("timeout", c.Timeout, c.Timeout > 0)
	switch {
	case c.Unfinished:
		fmt.Fprintf(&b, " unfinished since %v", c.Began)
	default:
		fmt.Fprintf(&b, " = %d", c.Result)
		if c.Err != 0 {
			b.WriteString(" " + unix.ErrnoName(c.Err))
		}
		fmt.Fprintf(&b, " %v..%v", c.Began, c.At)
	}
	return b.String()
}

// The lines are those of strace 6.1, with numbers and times made short.
func TestReader(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines string
		want  []string
		lost  uint64
	}{
		{
			"the life of a connection", `
7 1.1 socket(0x2, 0x1|0x80000, 0) = 3<TCP:[89]> <0.000021>
7 1.2 setsockopt(3<TCP:[89]>, 0x6, 0x12, [4000], 4) = 0 <0.000015>
7 1.3 connect(3<TCP:[89]>, {sa_family=0x2, sin_port="\x00\x50", sin_addr="\x7f\x00\x00\x01"}, 16) = 0 <0.5>
7 2.1 sendto(3<TCP:[127.0.0.1:38760->127.0.0.1:80]>, "\x68\x65\x6c\x6c\x6f\x01\xff", 7, 0x4000, NULL, 0) = 7 <0.001>
7 2.2 recvfrom(3<TCP:[127.0.0.1:38760->127.0.0.1:80]>, "", 4096, 0, NULL, NULL) = 0 <0.001>
7 2.3 shutdown(3<TCP:[127.0.0.1:38760->127.0.0.1:80]>, 0x1) = 0 <0.001>
7 2.4 close(3<TCP:[127.0.0.1:38760->127.0.0.1:80]>) = 0 <0.001>`,
			[]string{
				"socket type=1/6 = 3 1.1s..1.100021s",
				"setsockopt fd=3 type=1/6 option=6/18:a00f0000 = 0 1.2s..1.200015s",
				"connect fd=3 type=1/6 remote=127.0.0.1:80 address=127.0.0.1:80 = 0 1.3s..1.8s",
				"sendto fd=3 type=1/6 local=127.0.0.1:38760 remote=127.0.0.1:80 size=7 flags=16384 = 7 2.1s..2.101s",
				"recvfrom fd=3 type=1/6 local=127.0.0.1:38760 remote=127.0.0.1:80 size=4096 = 0 2.2s..2.201s",
				"shutdown fd=3 type=1/6 local=127.0.0.1:38760 remote=127.0.0.1:80 flags=1 = 0 2.3s..2.301s",
				"close fd=3 type=1/6 local=127.0.0.1:38760 remote=127.0.0.1:80 = 0 2.4s..2.401s",
			},
			0,
		},
		{
			"a server", `
7 1.1 bind(3<TCPv6:[89]>, {sa_family=0xa, sin6_port="\x00\x50", sin6_flowinfo="\x00\x00\x00\x00", sin6_addr="\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", sin6_scope_id=0}, 28) = 0 <0.001>
7 1.2 listen(3<TCPv6:[[::1]:80]>, 5) = 0 <0.001>
7 1.3 accept4(3<TCPv6:[[::1]:80]>, {sa_family=0xa, sin6_port="\x97\x68", sin6_flowinfo="\x00\x00\x00\x00", sin6_addr="\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", sin6_scope_id=0}, [28], 0x80000) = 4<TCPv6:[[::1]:80->[::1]:38760]> <0.001>
7 1.4 accept(3<TCPv6:[[::1]:80]>, 0x7ffd, [28]) = -1 EAGAIN (Resource temporarily unavailable) <0.001>
7 1.5 accept4(3<TCPv6:[[::ffff:127.0.0.1]:80]>, NULL, NULL, 0) = 5<TCPv6:[[::ffff:127.0.0.1]:80->[::ffff:127.0.0.2]:9]> <0.001>`,
			[]string{
				"bind fd=3 type=1/6 local=[::1]:80 address=[::1]:80 = 0 1.1s..1.101s",
				"listen fd=3 type=1/6 local=[::1]:80 flags=5 = 0 1.2s..1.201s",
				"accept4 fd=3 type=1/6 local=[::1]:80 remote=[::1]:38760 address=[::1]:38760 = 4 1.3s..1.301s",
				"accept fd=3 type=1/6 local=[::1]:80 = -1 EAGAIN 1.4s..1.401s",
				"accept4 fd=3 type=1/6 local=127.0.0.1:80 remote=127.0.0.2:9 = 5 1.5s..1.501s",
			},
			0,
		},
		{
			"calls of two threads at once", `
7 1.1 clone3({flags=0x3d0f00, child_tid=0x7f, parent_tid=0x7f, exit_signal=0, stack=0x7f, stack_size=0x7fff80, tls=0x7f} => {parent_tid=[8]}, 88) = 8 <0.001>
8 1.2 accept4(3<TCP:[127.0.0.1:80]>,  <unfinished ...>
7 1.3 connect(5<TCP:[90]>, {sa_family=0x2, sin_port="\x00\x50", sin_addr="\x7f\x00\x00\x01"}, 16 <unfinished ...>
8 1.4 <... accept4 resumed>{sa_family=0x2, sin_port="\x97\x68", sin_addr="\x7f\x00\x00\x01"}, [16], 0x80000) = 4<TCP:[127.0.0.1:80->127.0.0.1:38760]> <0.2>
7 1.5 <... connect resumed>) = -1 EINPROGRESS (Operation now in progress) <0.2>
7 1.6 getsockopt(5<TCP:[127.0.0.1:38760->127.0.0.1:80]>, 0x1, 0x4, [111], [4]) = 0 <0.001>
7 1.7 getsockopt(5<TCP:[127.0.0.1:38760->127.0.0.1:80]>, 0x1, 0x3, [1], [4]) = 0 <0.001>
8 1.8 +++ exited with 0 +++`,
			[]string{
				"7/8 accept4 fd=3 type=1/6 local=127.0.0.1:80 remote=127.0.0.1:38760 address=127.0.0.1:38760 = 4 1.2s..1.4s",
				"connect fd=5 type=1/6 remote=127.0.0.1:80 address=127.0.0.1:80 = -1 EINPROGRESS 1.3s..1.5s",
				"getsockopt fd=5 type=1/6 local=127.0.0.1:38760 remote=127.0.0.1:80 option=1/4:6f000000 = 0 1.6s..1.601s",
			},
			0,
		},
		{
			"a child that calls before its parent knows of it", `
7 1.1 clone(child_stack=NULL, flags=0x1200000|17, child_tidptr=0x7f <unfinished ...>
8 1.2 read(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\x68"..., 10) = 10 <0.001>
7 1.3 <... clone resumed>) = 8 <0.2>
8 1.4 close(3<TCP:[89]>) = 0 <0.001>`,
			[]string{
				"8/8 read fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 size=10 = 10 1.2s..1.201s",
				"8/8 close fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 = 0 1.4s..1.401s",
			},
			0,
		},
		{
			"the peer of a connection that was reset, in a child as well", `
7 1.1 write(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\x68", 1) = 1 <0.001>
7 1.2 fork() = 8 <0.001>
8 1.3 recvfrom(3<TCP:[89]>, 0x7f, 10, 0, NULL, NULL) = -1 ECONNRESET (Connection reset by peer) <0.001>
7 1.4 close(3<TCP:[89]>) = 0 <0.001>
7 1.5 socket(0x2, 0x1, 0) = 3<TCP:[95]> <0.001>
7 1.6 writev(3<TCP:[95]>, [{iov_base="\x68", iov_len=1}], 1) = -1 EPIPE (Broken pipe) <0.001>`,
			[]string{
				"write fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 size=1 = 1 1.1s..1.101s",
				"8/8 recvfrom fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 size=10 = -1 ECONNRESET 1.3s..1.301s",
				"close fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 = 0 1.4s..1.401s",
				"socket type=1/6 = 3 1.5s..1.501s",
				"writev fd=3 type=1/6 = -1 EPIPE 1.6s..1.601s",
			},
			0,
		},
		{
			"messages", `
7 1.1 sendmsg(4<UDP:[0.0.0.0:9]>, {msg_name={sa_family=0x2, sin_port="\x00\x35", sin_addr="\x0a\x00\x00\x01"}, msg_namelen=16, msg_iov=[{iov_base="\x68", iov_len=7}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0x40) = 7 <0.001>
7 1.2 recvmsg(4<UDP:[0.0.0.0:9]>, {msg_name={sa_family=0x2, sin_port="\x00\x35", sin_addr="\x0a\x00\x00\x01"}, msg_namelen=128 => 16, msg_iov=[{iov_base="\x68", iov_len=10}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 7 <0.001>
7 1.3 recvmsg(4<UDP:[0.0.0.0:9]>, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="\x73", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=32, cmsg_level=0, cmsg_type=0x14, cmsg_data={sa_family=0x2, sin_port="\x00\x07", sin_addr="\x01\x01\x01\x01"}}], msg_controllen=32, msg_flags=0}, 0x2000) = 1 <0.001>
7 1.4 sendmmsg(4<UDP:[0.0.0.0:9]>, [{msg_hdr={msg_name=NULL, msg_namelen=0}, msg_len=29}], 2, 0x4000) = 2 <0.001>`,
			[]string{
				"sendmsg fd=4 type=2/17 local=0.0.0.0:9 address=10.0.0.1:53 flags=64 = 7 1.1s..1.101s",
				"recvmsg fd=4 type=2/17 local=0.0.0.0:9 address=10.0.0.1:53 = 7 1.2s..1.201s",
				"recvmsg fd=4 type=2/17 local=0.0.0.0:9 flags=8192 = 1 1.3s..1.301s",
				"sendmmsg fd=4 type=2/17 local=0.0.0.0:9 flags=16384 = 2 1.4s..1.401s",
			},
			0,
		},
		{
			"calls that wait for files, those that do not wait left out", `
7 1.1 poll([{fd=5<TCP:[127.0.0.1:1->127.0.0.1:2]>, events=0x1}, {fd=6</\x78>, events=0x5}], 2, 1000) = 1 ([{fd=6, revents=0x4}]) <0.05>
7 1.2 ppoll([{fd=5<TCP:[1]>, events=0x1}], 1, {tv_sec=0, tv_nsec=500000000}, NULL, 8) = 0 (Timeout) <0.5>
7 1.3 ppoll([{fd=5<TCP:[1]>, events=0x1}], 1, NULL, NULL, 8) = 0 (Timeout) <0.0009>
7 1.8 pselect6(6, [5<TCP:[127.0.0.1:38760->127.0.0.1:57505]>], NULL, NULL, {tv_sec=1, tv_nsec=0}, NULL) = 1 (in [5], left {tv_sec=0, tv_nsec=99998407}) <0.002>
7 1.9 select(6, [5<TCP:[1]>], NULL, NULL, {tv_sec=0, tv_usec=2000}) = 0 (Timeout) <0.002>
7 2.1 epoll_wait(4<\x61\x6e\x6f\x6e>, [{events=0x1, data={u32=5, u64=5}}], 1023, 100) = 1 <0.02>
7 2.2 epoll_pwait(4<\x61\x6e\x6f\x6e>, [], 128, -1, NULL, 0) = 0 <0.02>`,
			[]string{
				"poll size=2 polled=[{5 1 0} {6 5 4}] timeout=1s = 1 1.1s..1.15s",
				"ppoll size=1 polled=[{5 1 0}] timeout=500ms = 0 1.2s..1.7s",
				"pselect6 size=6 timeout=1s = 1 1.8s..1.802s",
				"select size=6 timeout=2ms = 0 1.9s..1.902s",
				"epoll_wait fd=4 timeout=100ms = 1 2.1s..2.12s",
				"epoll_pwait fd=4 = 0 2.2s..2.22s",
			},
			0,
		},
		{
			"options", `
7 1.1 setsockopt(5<TCP:[1]>, 0x1, 0xd, {l_onoff=1, l_linger=5}, 8) = 0 <0.001>
7 1.2 setsockopt(5<TCP:[1]>, 0x1, 0x14, "\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00", 16) = 0 <0.001>
7 1.3 setsockopt(5<TCP:[1]>, 0x1, 0x14, {tv_sec=1, tv_usec=5}, 16) = 0 <0.001>
7 1.4 setsockopt(5<TCP:[1]>, 0x6, 0xd, 0x7ffe, 4) = -1 EFAULT (Bad address) <0.001>`,
			[]string{
				"setsockopt fd=5 type=1/6 option=1/13:0100000005000000 = 0 1.1s..1.101s",
				"setsockopt fd=5 type=1/6 option=1/20:01000000000000000500000000000000 = 0 1.2s..1.201s",
				"setsockopt fd=5 type=1/6 option=1/20:01000000000000000500000000000000 = 0 1.3s..1.301s",
				"setsockopt fd=5 type=1/6 option=6/13: = -1 EFAULT 1.4s..1.401s",
			},
			0,
		},
		{
			"a call that a signal interrupts, and is made again", `
7 1.1 recvfrom(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, 0x7f, 10, 0, NULL, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.1>
7 1.2 --- SIGALRM {si_signo=0xe, si_code=0x80} ---
7 1.2 recvfrom(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\x68", 10, 0, NULL, NULL) = 1 <0.1>
7 1.3 poll([{fd=3<TCP:[1]>, events=0x1}], 1, 1000) = ? ERESTART_RESTARTBLOCK (Interrupted by signal) <0.1>`,
			[]string{
				"recvfrom fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 size=10 = -1 EINTR 1.1s..1.2s",
				"recvfrom fd=3 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 size=10 = 1 1.2s..1.3s",
				"poll size=1 polled=[{3 1 0}] timeout=1s = -1 EINTR 1.3s..1.4s",
			},
			0,
		},
		{
			"calls in progress at the end, one of them in mid-line", `
7 1.1 fork() = 8 <0.001>
8 1.2 poll([{fd=3<TCP:[1]>, events=0x1}], 1, -1 <unfinished ...>
7 1.3 recvfrom(4<TCP:[127.0.0.1:1->127.0.0.1:2]>, `,
			[]string{
				"recvfrom fd=4 type=1/6 local=127.0.0.1:1 remote=127.0.0.1:2 unfinished since 1.3s",
				"8/8 poll size=1 polled=[{3 1 0}] unfinished since 1.2s",
			},
			0,
		},
		{
			"a call whose process ended in it", `
7 1.1 recvfrom(4<TCP:[127.0.0.1:1->127.0.0.1:2]>,  <unfinished ...>
7 1.2 +++ killed by SIGKILL +++
7 1.3 read(4<TCP:[127.0.0.1:1->127.0.0.1:2]>,  <unfinished ...>) = ?`,
			nil, 0,
		},
		{
			"files that are no sockets of IP, whatever their name", `
7 1.1 read(3<\x54\x43\x50\x3a\x5b\x31\x5d>, "\x0a\x37\x20", 3) = 3 <0.001>
7 1.2 connect(4<UNIX-STREAM:[97]>, {sa_family=0x1, sun_path="\x2f\x78"}, 110) = -1 ENOENT (No such file or directory) <0.001>
7 1.3 socket(0x1, 0x1|0x80000, 0) = 4<UNIX-STREAM:[97]> <0.001>
7 1.4 sendmsg(5<NETLINK:[ROUTE:7]>, {msg_name={sa_family=0x10, nl_pid=0, nl_groups=00000000}, msg_namelen=12}, 0) = 20 <0.001>
7 1.5 write(1</\x64\x65\x76<char 1:3>>, "\x29\x20\x3d", 3) = 3 <0.001>
7 1.6 close(-1) = -1 EBADF (Bad file descriptor) <0.001>
7 1.7 close(9) = -1 EBADF (Bad file descriptor) <0.001>
7 1.8 sendfile(1<pipe:[5]>, 3</\x78>, NULL, 100) = 100 <0.001>`,
			nil, 0,
		},
		{
			"a program that has changed its user", `
7 1.1 socket(0x2, 0x2|0x80000, 0) = 3<UDP:[91]> <0.001>
7 1.2 socket(0x2, 0x1, 0) = 4 <0.001>
7 1.3 connect(4, 0x7fff, 16) = -1 ECONNREFUSED (Connection refused) <0.001>
7 1.4 recvfrom(3, 0x7f7c, 4, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable) <0.001>
7 1.5 write(1, 0x7f7c, 30) = 30 <0.001>
7 1.6 dup2(4, 9) = 9 <0.001>
7 1.7 close(4) = 0 <0.001>
7 1.8 write(9, 0x7f7c, 30) = 30 <0.001>
7 1.9 socket(0x1, 0x1, 0) = 4 <0.001>
7 2.0 connect(4, 0x7fff, 110) = 0 <0.001>
7 2.1 sendmsg(5, 0x7fff, 0) = 9 <0.001>`,
			[]string{
				"socket type=2/17 = 3 1.1s..1.101s",
				"socket type=1/0 = 4 1.2s..1.201s",
				"connect fd=4 type=1/0 = -1 ECONNREFUSED 1.3s..1.301s",
				"recvfrom fd=3 type=2/17 size=4 = -1 EAGAIN 1.4s..1.401s",
				"close fd=4 type=1/0 = 0 1.7s..1.701s",
				"write fd=9 type=1/0 size=30 = 30 1.8s..1.801s",
			},
			2,
		},
		{
			"lines that are none of strace", "\n7 1.1\n7 x close(3)\n7 1.1 close\n7 1.1 close(3<TCP:[1]>) = x\n7 1.1 <... read resumed>) = 1\n-1 1.1 close(3<TCP:[1]>) = 0\n7 9223372036854775807.1 close(3<TCP:[1]>) = 0\n7 1.1 close(99999999999999999999<TCP:[1]>) = 0\n",
			nil, 8,
		},
		{
			"a line longer than any of strace, and one after it", "\n7 1.1 close(3<TCP:[1]>, " + strings.Repeat("x", mostLine) + ") = 0\n7 1.2 close(3<TCP:[1]>) = 0 <0.001>\n",
			[]string{"close fd=3 type=1/6 = 0 1.2s..1.201s"},
			1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := strings.TrimPrefix(tt.lines, "\n")
			if !strings.HasSuffix(input, ", ") && !strings.HasSuffix(input, "\n") {
				input += "\n"
			}
			input = absolute(input)
			for _, piece := range []int{len(input), 1, 7} {
				r := NewReader(root)
				var got []string
				for rest := input; rest != ""; {
					n := min(piece, len(rest))
					for _, c := range r.Read([]byte(rest[:n]), ahead) {
						got = append(got, text(c))
					}
					rest = rest[n:]
				}
				last, left := r.Rest(ahead)
				for _, c := range last {
					got = append(got, text(c))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("the calls, read in pieces of %d bytes (-want +got):\n%s", piece, diff)
				}
				if r.Lost != tt.lost || len(left) > 0 {
					t.Errorf("%d calls are lost and %d left, want %d and none", r.Lost, len(left), tt.lost)
				}
			}
		})
	}
}

// absolute adds the clock to the times of lines.
func absolute(lines string) string {
	var all []string
	for line := range strings.SplitSeq(lines, "\n") {
		tid, rest, ok := strings.Cut(line, " ")
		if second, after, is := strings.Cut(rest, "."); ok && is && len(second) == 1 && second[0] >= '0' && second[0] <= '9' {
			line = fmt.Sprintf("%s %d.%s", tid, clock+int64(second[0]-'0'), after)
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

// The execution of the program, and its end, are known; those of another one are not taken for it.
func TestReaderKnowsWhenTheProgramBeganAndEnded(t *testing.T) {
	r := NewReader(root)
	step := func(line string) { r.Read([]byte(absolute(line)+"\n"), ahead) }
	step(`8 1.1 execve("\x2f\x78", ["\x78"], 0x7ffe /* 35 vars */) = 0 <0.001>`)
	step(`8 1.2 +++ exited with 0 +++`)
	if r.Executed || r.Ended {
		t.Errorf("executed is %v and ended %v, want false", r.Executed, r.Ended)
	}
	step(`7 1.1 execve("\x2f\x78", ["\x78"], 0x7ffe /* 35 vars */) = -1 EACCES (Permission denied) <0.001>`)
	step(`7 1.2 +++ exited with 1 +++`)
	if !r.Executed || r.Err != unix.EACCES || !r.Ended {
		t.Errorf("executed is %v with %v and ended %v, want true with EACCES and true", r.Executed, r.Err, r.Ended)
	}
}

func TestReaderCountsRings(t *testing.T) {
	r := NewReader(root)
	for _, result := range []string{"3<anon_inode:[io_uring]>", "-1 EPERM (Operation not permitted)"} {
		line := "7 1.1 io_uring_setup(8, {flags=0, sq_thread_cpu=0}) = " + result + " <0.001>\n"
		if calls := r.Read([]byte(absolute(line)), ahead); len(calls) > 0 {
			t.Errorf("it is the calls %v, want none", calls)
		}
	}
	if r.Rings != 1 || r.Lost != 0 {
		t.Errorf("there are %d rings and %d lost calls, want 1 and none", r.Rings, r.Lost)
	}
}

// The first calls of a program are reported, and then those that say most; all others are counted.
func TestReaderBoundsTheCalls(t *testing.T) {
	r := NewReader(root)
	n := 0
	read := func(count int, line string) {
		n += len(r.Read([]byte(strings.Repeat(absolute(line)+"\n", count)), ahead))
	}
	const fd = "7 1.1 recvfrom(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, "
	read(mostCalls+5, fd+`"\x68", 9, 0, NULL, NULL) = 1 <0.001>`)
	read(mostNotable-1, fd+`"", 9, 0, NULL, NULL) = 0 <0.001>`)
	read(3, fd+`0x7f, 9, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable) <0.001>`)
	read(1, fd+`"\x68", 9, 0, NULL, NULL) = 1 <0.010>`)
	read(2, fd+`0x7f, 9, 0, NULL, NULL) = -1 ECONNRESET (Connection reset by peer) <0.001>`)
	if want := mostCalls + mostNotable; n != want {
		t.Errorf("%d calls are reported, want %d", n, want)
	}
	_, left := r.Rest(ahead)
	want := []tracepoint.CallsLeft{
		{Root: root, Name: "recvfrom", N: 5},
		{Root: root, Name: "recvfrom", Err: unix.EAGAIN, N: 3},
		{Root: root, Name: "recvfrom", Err: unix.ECONNRESET, N: 2},
	}
	if fmt.Sprint(left) != fmt.Sprint(want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

func TestVersions(t *testing.T) {
	for output, want := range map[string]bool{
		"strace -- version 5.6\nCopyright (c) ...": true,
		"strace -- version 6.1":                    true,
		"strace -- version 6.8.0.1.a0f23-dirty":    true,
		"strace -- version 5.5":                    false,
		"strace -- version 4.26":                   false,
		"busybox strace":                           false,
		"":                                         false,
		"strace -- version 99999999999999999999.0": true,
		"strace -- version UNKNOWN":                false,
		"strace: unknown option\nstrace -- version 6.1 is needed": false,
	} {
		if got := IsRecent(output); got != want {
			t.Errorf("IsRecent(%q) = %v, want %v", output, got, want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("7 1.1 poll([{fd=5<TCP:[127.0.0.1:1->127.0.0.1:2]>, events=0x1}], 1, 1000) = 1 ([{fd=5, revents=0x1}]) <0.05>\n"))
	f.Add([]byte("7 1.1 clone3({flags=0x3d0f00} => {parent_tid=[8]}, 88) = 8 <0.001>\n8 1.1 close(3<TCP:[1]>, <unfinished ...>\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(root)
		lines := uint64(strings.Count(string(b), "\n"))
		n := uint64(len(r.Read(b, ahead)))
		if n > lines || r.Lost > 2*lines {
			t.Errorf("%d lines have %d calls, and %d are lost", lines, n, r.Lost)
		}
		r.Rest(ahead)
	})
}
