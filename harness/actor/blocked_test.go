package actor

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func TestNamingTheCallOfALine(t *testing.T) {
	const pointers = " 0x3 0x7ffcdc2cc450 0x10 0x0 0x0 0x0 0x7ffcdc2cc3c8 0x7f21d35287c0\n"
	for _, tt := range []struct{ name, line, want string }{
		{"a call of a step", strconv.Itoa(unix.SYS_CONNECT) + pointers, "connect"},
		{"a call without a name", "9999" + pointers, "9999"},
		{"a thread that computes", "running\n", ""},
		{"a thread that sleeps outside of any call", "-1 0x7ffcdc2cc3c8 0x7f21d35287c0\n", ""},
		{"a thread that waits for the harness", strconv.Itoa(unix.SYS_FUTEX) + pointers, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := callName(tt.line)
			if err != nil || got != tt.want {
				t.Errorf("callName(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
			}
		})
	}
	for _, line := range []string{"", "connect 0x3\n"} {
		if got, err := callName(line); err == nil {
			t.Errorf("%q was read as %q", line, got)
		}
	}
}

func TestEachCallHasOneMeaning(t *testing.T) {
	seen := map[string]bool{}
	for number, name := range callNames {
		if seen[name] || name == "" {
			t.Errorf("the name %q is given twice, or empty", name)
		}
		seen[name] = true
		if slices.Contains(machinery, number) {
			t.Errorf("%s is a call of a step and of the machinery", name)
		}
	}
}

func TestWhyTheKernelDoesNotSay(t *testing.T) {
	for _, tt := range []struct {
		errno unix.Errno
		want  []string
	}{
		{unix.EPERM, []string{"operation not permitted", "kernel.yama.ptrace_scope", "hidepid"}},
		{unix.EACCES, []string{"permission denied", "ptrace"}},
		{unix.ENOENT, []string{"no such file", "hidepid", "HAVE_ARCH_TRACEHOOK"}},
		{unix.EIO, []string{"input/output error"}},
	} {
		err := withheld(&fs.PathError{Op: "open", Path: "/proc/7/task/8/syscall", Err: tt.errno})
		for _, want := range append(tt.want, "/proc/7/task/8/syscall") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
}

// TestBlockedNamesTheCallsOfSteps has a process hang in every call that a step can hang in, each on a thread of its own.
func TestBlockedNamesTheCallsOfSteps(t *testing.T) {
	ownNetwork(t)
	const port = 2300
	address := "127.0.0.1:" + strconv.Itoa(port)
	hanging := []struct {
		call   string
		number int
		step   language.Step
	}{
		{"accept4", unix.SYS_ACCEPT4, on("l", step("accept", acceptOp()))},
		{"recvfrom", unix.SYS_RECVFROM, on("c1", step("recv", recvOp()))},
		{"recvfrom", unix.SYS_RECVFROM, on("u", step("recvfrom", language.Op{Recvfrom: &language.Recvfrom{}}))},
		{"sendto", unix.SYS_SENDTO, on("c2", step("send", language.Op{Send: &language.Send{Data: language.Data{Bytes: 16 << 20}}}))},
		{"ppoll", unix.SYS_PPOLL, on("c1", step("poll", language.Op{Poll: &language.Poll{}}))},
		{"clock_nanosleep", unix.SYS_CLOCK_NANOSLEEP, step("sleep", sleepFor(time.Minute))},
		{"waitid", unix.SYS_WAITID, step("exec", language.Op{Exec: &language.Exec{Command: []string{"sleep", "60"}}})},
		{"connect", unix.SYS_CONNECT, on("full", step("connect", connectTo("127.0.0.1:"+strconv.Itoa(port+1))))},
		{"", unix.SYS_FUTEX, step("wait", waitFor("b.never"))},
	}
	full := language.Op{Listen: &language.Listen{Port: port + 1, Backlog: new(int)}}
	steps := []language.Step{
		on("l", step("listen", listenOn(port))),
		on("c1", step("connect1", connectTo(address))), on("l", step("accept1", language.Op{Accept: &language.Accept{As: "s1"}})),
		on("c2", step("connect2", connectTo(address))), on("l", step("accept2", language.Op{Accept: &language.Accept{As: "s2"}})),
		on("u", step("udp", language.Op{Socket: &language.SocketOp{Type: "udp"}})), on("u", step("bind", language.Op{Bind: &language.Bind{}})),
		// One connection is all that a backlog of 0 has room for; the SYN of the next is dropped.
		on("f", step("listen-full", full)), on("first", step("fill", connectTo("127.0.0.1:"+strconv.Itoa(port+1)))),
	}
	parallel := &language.Parallel{}
	for i := range hanging {
		parallel.Branches = append(parallel.Branches, []language.Step{hanging[i].step})
	}
	p := run(t, append(steps, step("all", language.Op{Parallel: parallel}))...)
	var tids []int
	var want []string
	for i := range hanging {
		tids = append(tids, p.blocked(hanging[i].step.ID, hanging[i].number))
		if hanging[i].call != "" {
			want = append(want, hanging[i].call)
		}
	}
	got, err := Blocked(p.cmd.Process.Pid, append(tids, p.event("all.start").Start.TID))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBlockedOfAThreadThatIsGone(t *testing.T) {
	const noThread = 1 << 22 // PID_MAX_LIMIT: one more than the highest
	if got, err := Blocked(os.Getpid(), []int{noThread}); err != nil || len(got) > 0 {
		t.Errorf("blocked in %v, %v, want nothing", got, err)
	}
}
