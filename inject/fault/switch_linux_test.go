package fault

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

func isMissing(err error) bool {
	var missing *inject.MissingError
	return errors.As(err, &missing)
}

var families = []language.Family{language.V4, language.V6}

// A fault strikes only while it is on. Its hits are kept afterwards.
func TestOnAndOff(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLabOf(t, f, `{silence: {match: {tcp: SYN, to: server}, do: drop}}`)
			l.listen("server:7")
			connects := func(when string) {
				t.Helper()
				if err := l.connect("client", "server:7", patience); err != nil {
					t.Errorf("%s: connect: %v", when, err)
				}
			}
			// Less than the second after which the SYN is sent again: one hit each time.
			hangs := func(when string) {
				t.Helper()
				if err := l.connect("client", "server:7", 500*time.Millisecond); !errors.Is(err, unix.EINPROGRESS) {
					t.Errorf("%s: connect: %v, want EINPROGRESS after SO_SNDTIMEO", when, err)
				}
			}
			hits := func(when string, want uint64) {
				t.Helper()
				if got := l.hits("silence"); got != want {
					t.Errorf("%s: %d hits, want %d", when, got, want)
				}
			}
			connects("before it is on")
			hits("before it is on", 0)
			l.on("silence")
			l.on("silence") // does not add a second rule
			hangs("on")
			hits("on", 1)
			l.off("silence")
			l.off("silence")
			connects("off")
			hits("off", 1)
			l.on("silence")
			hangs("on again")
			hits("on again", 2)
			l.try(l.faults.Close())
			connects("closed")
			if rules := l.sh("wire", program(f)+" -S"); strings.Contains(rules, "halfopen") {
				t.Errorf("rules are left:\n%s", rules)
			}
		})
	}
}

func program(f language.Family) string {
	if f == language.V6 {
		return "ip6tables"
	}
	return "iptables"
}

func TestNamesOfFaultsThereAreNot(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLabOf(t, language.V4, `{silence: {do: drop}}`)
	const want = `unknown fault "noise"`
	_, hits := l.faults.Hits("noise")
	for _, err := range []error{l.faults.On("noise"), l.faults.Off("noise"), hits} {
		if err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestAProgramThatIsNotInstalled(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			t.Setenv("PATH", t.TempDir())
			n, err := network.Build(&network.Topology{Hosts: []network.Host{{Name: language.Wire}}})
			if err != nil {
				t.Fatal(err)
			}
			rule := &ChainRule{Host: language.Wire, Family: f, Hook: "FORWARD", Chain: "halfopen-silence"}
			_, err = Open(n, &Plan{Faults: []Planned{{Name: "silence", Rules: []Rule{rule}}}}, Options{})
			want := "the program " + program(f) + ` is not available here (needed by fault "silence"); install it: make deps, or apt-get install iptables`
			if err == nil || err.Error() != want || !isMissing(err) {
				t.Errorf("Open: %v\nwant %s", err, want)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The answers of reject as a socket sees them. The errnos are those of icmp_err_convert
// (net/ipv4/icmp.c) and tab_unreach (net/ipv6/icmp.c). A connected UDP socket sees ICMP messages at
// once. A TCP socket in connect() may be busy when the message comes, and notice only the message
// to its second SYN.
func TestRejectAnswersTheSender(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			var l *lab
			for _, s := range load(t, "testdata/plan/reject.yaml") {
				if s.Family == f {
					l = newLab(t, s, Features{})
				}
			}
			l.listen("server:7")
			for name, want := range map[string][2]unix.Errno{
				"default":           {unix.ECONNREFUSED, unix.ECONNREFUSED},
				"port-unreachable":  {unix.ECONNREFUSED, unix.ECONNREFUSED},
				"host-unreachable":  {unix.EHOSTUNREACH, unix.EHOSTUNREACH},
				"net-unreachable":   {unix.ENETUNREACH, unix.ENETUNREACH},
				"proto-unreachable": {unix.ENOPROTOOPT, unix.EPROTO},
				"host-prohibited":   {unix.EHOSTUNREACH, unix.EACCES},
				"net-prohibited":    {unix.ENETUNREACH, unix.EACCES},
				"admin-prohibited":  {unix.EHOSTUNREACH, unix.EACCES},

				"source-route-failed":  {unix.EOPNOTSUPP, 0},
				"net-unknown":          {unix.ENETUNREACH, 0},
				"host-unknown":         {unix.EHOSTDOWN, 0},
				"host-isolated":        {unix.ENONET, 0},
				"tos-net-unreachable":  {unix.ENETUNREACH, 0},
				"tos-host-unreachable": {unix.EHOSTUNREACH, 0},
				"precedence-violation": {unix.EHOSTUNREACH, 0},
				"precedence-cutoff":    {unix.EHOSTUNREACH, 0},
				"beyond-scope":         {0, unix.EHOSTUNREACH},
				"policy-failed":        {0, unix.EACCES},
				"route-rejected":       {0, unix.EACCES},
				"time-exceeded":        {unix.EHOSTUNREACH, unix.EHOSTUNREACH},
				"parameter-problem":    {unix.EPROTO, unix.EPROTO},
			} {
				errno := want[0]
				if f == language.V6 {
					errno = want[1]
				}
				if errno == 0 {
					continue
				}
				l.on(name)
				if err := l.ask("client", "server:7"); !errors.Is(err, errno) {
					t.Errorf("%s: %v, want %v", name, err, errno)
				}
				if got := l.hits(name); got != 1 {
					t.Errorf("%s has %d hits, want 1", name, got)
				}
				l.off(name)
			}
			l.on("tcp-reset")
			if err := l.connect("client", "server:7", patience); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("tcp-reset: connect: %v, want ECONNREFUSED", err)
			}
			if got := l.hits("tcp-reset"); got != 1 {
				t.Errorf("tcp-reset has %d hits, want 1", got)
			}
			l.off("tcp-reset")
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Errorf("with all faults off: %v", err)
			}
		})
	}
}

// ask sends a datagram from a host and returns the errno of the answer.
func (l *lab) ask(host, ref string) (result error) {
	l.t.Helper()
	sa, family := sockaddr(l.resolve(ref))
	l.do(host, func() error {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// Without it only some errors reach the socket (udp(7)).
		level, option := unix.IPPROTO_IP, unix.IP_RECVERR
		if family == unix.AF_INET6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
		}
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		if err := errors.Join(
			unix.SetsockoptInt(fd, level, option, 1),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv),
			unix.Connect(fd, sa),
		); err != nil {
			return err
		}
		if _, err := unix.Write(fd, []byte("?")); err != nil {
			return err
		}
		for {
			if _, result = unix.Read(fd, make([]byte, 1)); result != unix.EINTR {
				return nil
			}
		}
	})
	return result
}

// A rate strikes packets that have to wait or are lost, in its direction.
func TestRateHits(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLabOf(t, language.V4, `
  slow: {match: {to: server}, do: {rate: {to: 8mbit, queue: 64kB}}}`)
	l.listen("server:7")
	l.on("slow")
	before := l.hits("slow")
	// 20 datagrams of 1000 bytes come at once: 3 kB pass, the rest waits, 20 ms in all.
	to, _ := sockaddr(l.resolve("server:9"))
	l.do("client", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for range 20 {
			if err := unix.Sendto(fd, make([]byte, 1000), 0, to); err != nil && err != unix.ECONNREFUSED {
				return err
			}
		}
		return nil
	})
	// A connection gets through after them.
	if err := l.connect("client", "server:7", patience); err != nil {
		t.Fatal(err)
	}
	on := l.hits("slow")
	if on == before {
		t.Error("the rate has no hits although datagrams had to wait")
	}
	// In addition to the datagrams there are the SYN, the ACK, a FIN or RST, and ARP.
	if most := before + 20 + 6; on > most {
		t.Errorf("the rate has %d hits, but at most %d packets passed it", on, most)
	}
	l.off("slow")
	if off := l.hits("slow"); off < on {
		t.Errorf("%d hits once it is off, %d before", off, on)
	}
	if qdisc := l.sh("wire", "tc qdisc show dev server"); strings.Contains(qdisc, "tbf") {
		t.Errorf("its queueing discipline is left: %s", qdisc)
	}
}

// Exec wraps everything that waits for a program.
func TestExecIsCalled(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	topology, plan := compile(t, load(t, "testdata/plan/drop.yaml")[0], Features{})
	n, err := network.Build(topology)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	calls, inside := 0, false
	i, err := Open(n, plan, Options{Exec: func(f func() error) error {
		calls++
		if inside {
			t.Error("Exec is called within Exec")
		}
		inside = true
		defer func() { inside = false }()
		return f()
	}})
	if err != nil {
		t.Fatal(err)
	}
	opened := calls
	if err := i.On("all"); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Hits("all"); err != nil {
		t.Fatal(err)
	}
	if opened == 0 || calls < opened+2 {
		t.Errorf("Exec was called %d times by Open, %d times after On and Hits", opened, calls)
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/run/xtables.lock"); err == nil && calls == 0 {
		t.Error("iptables ran without Exec")
	}
}

func TestCountHits(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []string
		want  uint64
		err   string
	}{
		{"no rules", []string{"-N halfopen-f"}, 0, ""},
		{"two rules", []string{"-N halfopen-f", "-A halfopen-f -s 198.18.1.2/32 -c 3 180 -j DROP", "-A halfopen-f -c 4 1 -j DROP"}, 7, ""},
		{"more than 32 bits", []string{"-A halfopen-f -c 5000000000 1 -j DROP"}, 5_000_000_000, ""},
		{"no counters", []string{"-A halfopen-f -j DROP"}, 0, `"-A halfopen-f -j DROP" has no counters`},
		{"counters cut off", []string{"-A halfopen-f -j DROP -c"}, 0, `"-A halfopen-f -j DROP -c" has no counters`},
		{"an invalid number", []string{"-A halfopen-f -c x 1"}, 0, `"-A halfopen-f -c x 1": strconv.ParseUint: parsing "x": invalid syntax`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := countHits(c.rules)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("%d, %v; want %d, %s", got, err, c.want, c.err)
			}
		})
	}
}
