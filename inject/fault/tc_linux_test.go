package fault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// datagrams sends the given number of datagrams of 1000 bytes from the client, through a socket
// that receives all errors, and returns the last error.
func (l *lab) datagrams(count int, ref string) (result error) {
	l.t.Helper()
	to, family := sockaddr(l.resolve(ref))
	l.do("client", func() error {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		level, option := unix.IPPROTO_IP, unix.IP_RECVERR
		if family == unix.AF_INET6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
		}
		if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
			return err
		}
		for range count {
			// ECONNREFUSED is the server's answer to an earlier one.
			if err := unix.Sendto(fd, make([]byte, 1000), 0, to); err != unix.ECONNREFUSED && err != nil {
				result = err
			}
		}
		return nil
	})
	return result
}

// A queue without room reports to the sender (ENOBUFS, ip(7)), and strikes only packets that its
// filters match.
func TestLocalDropTellsTheSender(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLabOf(t, f, `{full: {via: tc, at: client.output, match: {udp: any, dport: 9}, do: drop}}`)
			l.listen("server:7")
			l.on("full")
			if err := l.datagrams(3, "server:9"); !errors.Is(err, unix.ENOBUFS) {
				t.Errorf("a datagram that it takes: %v, want ENOBUFS", err)
			}
			if err := l.datagrams(3, "server:10"); err != nil {
				t.Errorf("a datagram to another port: %v", err)
			}
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Errorf("a connection: %v", err)
			}
			if got := l.hits("full"); got != 3 {
				t.Errorf("%d hits, want 3", got)
			}
			l.off("full")
			if err := l.datagrams(1, "server:9"); err != nil {
				t.Errorf("once it is off: %v", err)
			}
			if got := l.hits("full"); got != 3 {
				t.Errorf("%d hits once it is off, want 3", got)
			}
		})
	}
}

// The rate of a class applies only to packets that its filters match.
func TestRateOfSelectedPackets(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			l := newLabOf(t, f, `{slow: {via: tc, match: {to: server, udp: any, dport: 9}, do: {rate: {to: 800kbit, queue: 64kB}}}}`)
			l.listen("server:7")
			l.on("slow")
			// 40 kB would take 0.4 s.
			if err := l.datagrams(40, "server:10"); err != nil {
				t.Fatal(err)
			}
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Fatal(err)
			}
			if got := l.hits("slow"); got != 0 {
				t.Errorf("%d hits of packets that it does not take", got)
			}
			if err := l.datagrams(40, "server:9"); err != nil {
				t.Fatal(err)
			}
			deadline := time.After(patience)
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for l.hits("slow") == 0 {
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatal("it has no hits although datagrams had to wait")
				}
			}
			if backlog := l.sh("wire", "tc -s qdisc show dev server parent 1:1"); !strings.Contains(backlog, "bfifo") || strings.Contains(backlog, "backlog 0b") {
				t.Errorf("nothing waits in its queue:\n%s", backlog)
			}
			l.off("slow")
			if rules := l.sh("wire", "tc qdisc show dev server"); strings.Contains(rules, "htb") {
				t.Errorf("its queueing discipline is left: %s", rules)
			}
		})
	}
}

// A filter matches the packets that a selector means, with u32's comparison of key bytes
// (net/sched/cls_u32.c).
func TestFiltersTakeWhatSelectorsMean(t *testing.T) {
	for _, path := range []string{"testdata/plan/netem-selected.yaml", "testdata/plan/rate-selected.yaml", "testdata/plan/port-ranges.yaml", "testdata/plan/local-drop.yaml"} {
		for _, s := range load(t, path) {
			topology, p := compile(t, s, Features{Netem: true})
			l := &lab{t: t, topology: topology}
			l.addHosts()
			r := &shootingRange{lab: l, hosts: [2]string{"client", "server"}, scenario: s}
			packets := r.load()
			for i := range s.Faults {
				f := &s.Faults[i]
				rule, ok := p.Fault(f.Name).Rules[0].(*QdiscRule)
				if !ok || len(rule.Filters) == 0 {
					continue
				}
				at := f.At
				f.At = "" // as if all packets came through
				struck := 0
				for n, m := range meant(t, f, packets, l.addrs, 0) {
					if options := s.Family == language.V4 && packets[n].bytes[0] != 0x45; options {
						continue // tc does not find its ports
					}
					taken := false
					for _, filter := range rule.Filters {
						taken = taken || filter.takes(packets[n].bytes)
					}
					if taken != m {
						t.Errorf("%s: %s (%s): taken: %t, meant: %t", path, f.Name, packets[n], taken, m)
					}
					if m {
						struck++
					}
				}
				f.At = at
				if struck < 3 && f.Match.To != "other" {
					t.Errorf("%s: %s: only %d packets are meant: the test shows nothing", path, f.Name, struck)
				}
			}
		}
	}
}

// takes matches a packet as the kernel does.
func (f Filter) takes(packet []byte) bool {
	if version := map[string]byte{"ip": 4, "ipv6": 6}[f.Protocol]; packet[0]>>4 != version {
		return false
	}
	for _, k := range f.Keys {
		if k.Offset+4 > len(packet) {
			return false
		}
		b := packet[k.Offset:]
		if (uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))&k.Mask != k.Value {
			return false
		}
	}
	return true
}
