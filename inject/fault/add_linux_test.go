package fault

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// add adds a fault by its phrase, and puts it in force. It returns its name.
func (l *lab) add(phrase string) string {
	l.t.Helper()
	p, err := language.ParsePhrase(phrase)
	l.try(err)
	f, err := p.For(&language.Scenario{
		Family: l.topology.Family, Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		Network: language.Network{Shape: language.ShapeWire},
	})
	l.try(err)
	planned, err := PlanQueued(f, l.topology, false)
	l.try(err)
	began := time.Now()
	l.try(l.faults.Add(planned))
	l.on(planned.Name)
	l.t.Logf("%q was in force after %v", phrase, time.Since(began))
	return planned.Name
}

// A fault that is added strikes as one of the scenario does, whether its host has a queue or not, and
// leaves nothing behind.
func TestAddedFaultsStrike(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		families     []language.Family
	}{
		{"without a queue", `{}`, families},
		{"beside faults of iptables", `{other: {match: {tcp: RST}, do: drop}}`, families[:1]},
		{"in a queue that gets fewer packets", `{other: {match: {udp: any}, first: 1, do: drop}}`, families[1:]},
		{"in a queue that gets all packets", `{other: {match: {seq: 7}, do: drop, via: nfqueue}}`, families[:1]},
	} {
		for _, f := range tt.families {
			t.Run(tt.name+" "+string(f), func(t *testing.T) {
				if !testlab.InLab(t) {
					return
				}
				l := newLabOf(t, f, tt.faults)
				l.listen("server:7")
				l.try(l.connect("client", "server:7", patience))
				name := l.add("drop SYN to server first 1")
				if err := l.connect("client", "server:7", 200*time.Millisecond); !errors.Is(err, unix.EINPROGRESS) {
					t.Errorf("connect: %v, want EINPROGRESS after SO_SNDTIMEO", err)
				}
				l.try(l.connect("client", "server:7", patience))
				if got := l.hits(name); got != 1 {
					t.Errorf("%d hits, want 1", got)
				}
				second := l.add("reject tcp-reset SYN to server")
				if err := l.connect("client", "server:7", patience); !errors.Is(err, unix.ECONNREFUSED) {
					t.Errorf("connect: %v, want ECONNREFUSED", err)
				}
				l.off(second)
				l.try(l.connect("client", "server:7", patience))
				if err := l.faults.Add(l.plan.Fault(name)); err == nil {
					t.Error("a fault was added twice")
				}
				l.try(l.faults.Close())
				if rules := l.sh("wire", program(f)+" -t mangle -S"); strings.Contains(rules, "NFQUEUE") {
					t.Errorf("rules are left:\n%s", rules)
				}
			})
		}
	}
}

// A queue that sees only headers sees whole packets once a fault asks for them.
func TestAddedFaultsSeePayload(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLabOf(t, language.V4, `{other: {match: {tcp: any}, nth: 1000, do: drop}}`)
	if l.faults.queue("wire").Whole {
		t.Fatal("the queue sees whole packets from the start: the test proves nothing")
	}
	l.on("other")
	l.add(`drop udp contains "needle" first 1`)
	if !l.faults.queue("wire").Whole {
		t.Error("the queue sees only headers")
	}
	l.do("client", func() error {
		c, err := net.Dial("udp", l.resolve("server:7").String())
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte(strings.Repeat("x", 1000) + "needle"))
		return err
	})
	if !l.eventually(func() bool { return l.hits("drop") == 1 }) {
		t.Errorf("%d hits, want 1", l.hits("drop"))
	}
}

func TestFaultsThatCannotBeAdded(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLabOf(t, language.V4, `{other: {match: {tcp: SYN}, first: 1, do: drop}}`)
	f := &language.Fault{Name: "slow", Do: language.Action{Rate: &language.Rate{To: 1e6}}, Via: "tc"}
	const want = `fault "slow": tc carries out no fault that is added to a lab; remove "via" to use nfqueue`
	if _, err := PlanQueued(f, l.topology, false); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("a fault by tc: %v, want %s", err, want)
	}
	if err := l.faults.Add(&Planned{Name: "x", Mechanism: IPTables, Rules: []Rule{&ChainRule{}}}); err == nil || l.plan.Fault("x") != nil {
		t.Errorf("a plan by iptables: %v", err)
	}
}
