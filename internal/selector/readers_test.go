package selector_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// words has a valid word for each key that takes one.
var words = map[language.Key]string{
	language.KeyFrom: "client", language.KeyTo: "server", language.KeyUDP: "any", language.KeyICMP: "any", language.KeyARP: "any",
}

// one returns a selector with a key and one without it, for every key of the type. The keys are
// found by reflection, so that a key added to the type is tested without an edit here.
func one(t *testing.T) map[language.Key][2]*language.Selector {
	t.Helper()
	all := map[language.Key][2]*language.Selector{}
	add := func(name string, set func(*language.Selector) reflect.Value) {
		k := language.Key(name)
		with, without := &language.Selector{}, &language.Selector{}
		if !slices.Contains([]language.Key{language.KeyTCP, language.KeyUDP, language.KeyICMP, language.KeyARP}, k) {
			// Most keys need a protocol.
			with.TCP, without.TCP = language.Kinds{language.AnySegment}, language.Kinds{language.AnySegment}
		}
		f := set(with)
		switch f.Interface().(type) {
		case string:
			f.SetString("any")
			if word, ok := words[k]; ok {
				f.SetString(word)
			}
		case int:
			f.SetInt(2)
		case *bool:
			yes := true
			f.Set(reflect.ValueOf(&yes))
		case *language.Count:
			f.Set(reflect.ValueOf(&language.Count{Min: 5, Max: 5}))
		case language.Ports:
			f.Set(reflect.ValueOf(language.PortList(8080)))
		case language.Kinds:
			f.Set(reflect.ValueOf(language.Kinds{language.SYN}))
		case map[string]bool:
			f.Set(reflect.ValueOf(map[string]bool{"mss": true}))
		default:
			t.Fatalf("the test has no value for %s of type %s", name, f.Type())
		}
		if !slices.Contains(with.Keys(), k) || slices.Contains(without.Keys(), k) {
			t.Fatalf("with %s the keys are %v, without it %v", k, with.Keys(), without.Keys())
		}
		all[k] = [2]*language.Selector{with, without}
	}
	name := func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	}
	for i, f := range reflect.VisibleFields(reflect.TypeFor[language.Selector]()) {
		if f.Type != reflect.TypeFor[*language.Payload]() {
			add(name(f), func(m *language.Selector) reflect.Value { return reflect.ValueOf(m).Elem().Field(i) })
			continue
		}
		for j, p := range reflect.VisibleFields(reflect.TypeFor[language.Payload]()) {
			add(name(f)+"."+name(p), func(m *language.Selector) reflect.Value {
				m.Payload = &language.Payload{}
				return reflect.ValueOf(m.Payload).Elem().Field(j)
			})
		}
	}
	return all
}

// readers are all code that reads selectors. Each returns its result for a selector, or why it
// refuses the selector.
var readers = map[string]func(*language.Selector) (string, error){
	"the words": func(m *language.Selector) (string, error) { return m.String(), nil },
	"the matcher": func(m *language.Selector) (string, error) {
		return matched(m)
	},
	"an expectation": func(m *language.Selector) (string, error) {
		s := &language.Scenario{Name: "x", Expect: []language.Expectation{{Packets: &language.PacketsExpectation{Packets: *m, None: true}}}}
		v := assertions.Check(s, trace.Of([]trace.Event{{End: &trace.End{Reason: "done"}}}...))[0]
		if v.Status != assertions.Pass {
			return "", fmt.Errorf("%s", v.Reason)
		}
		return matched(m)
	},
	"a fault of iptables":             planned(language.Fault{Do: language.Action{Drop: &language.Drop{}}}),
	"a fault of iptables, asked for":  planned(language.Fault{Via: "iptables", Do: language.Action{Drop: &language.Drop{}}}),
	"a fault of the queue":            planned(language.Fault{Do: language.Action{Delay: &language.Delay{By: 1}}}),
	"a fault of the queue, asked for": planned(language.Fault{Via: "nfqueue", Do: language.Action{Drop: &language.Drop{}}}),
	"a fault of tc":                   planned(language.Fault{Via: "tc", Do: language.Action{Rate: &language.Rate{To: 1e6}}}),
	"a fault of netem":                planned(language.Fault{Via: "tc", Do: language.Action{Delay: &language.Delay{By: 1}}}),
	"the rate of a link":              planned(language.Fault{Do: language.Action{Rate: &language.Rate{To: 1e6}}}),
}

// planned compiles a fault with the selector and returns its rules as the commands that a person
// would type.
func planned(f language.Fault) func(*language.Selector) (string, error) {
	return func(m *language.Selector) (string, error) {
		f.Name, f.Match = "f", *m
		s := &language.Scenario{
			Name: "x", Family: language.V4, Faults: []language.Fault{f},
			Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		}
		topology, err := network.Plan(s)
		if err != nil {
			return "", err
		}
		plan, err := fault.Compile(s, topology, fault.Features{Netem: true})
		if err != nil {
			return "", err
		}
		var text []string
		for _, r := range plan.Faults[0].Rules {
			for _, line := range r.Commands() {
				// The comment on a queue has the words of the fault. What strikes there is up to the matcher.
				if !strings.HasPrefix(line, "#") {
					text = append(text, line)
				}
			}
		}
		if plan.Faults[0].Mechanism == fault.NFQueue {
			packets, err := matched(m)
			if err != nil {
				return "", errors.New("it is planned for a queue that cannot match it")
			}
			text = append(text, packets)
		}
		return strings.Join(text, "\n"), nil
	}
}

// matched says which packets of a small conversation match a selector.
func matched(m *language.Selector) (string, error) {
	client, server, other := netip.MustParseAddr("198.18.1.2"), netip.MustParseAddr("198.18.2.2"), netip.MustParseAddr("198.18.3.2")
	match, err := selector.New(m, selector.Hosts{"client": {client}, "server": {server}})
	if err != nil {
		return "", err
	}
	plain := func() packet.Decoded {
		return packet.Decoded{
			Family: "v4", Proto: "tcp", Src: other, Dst: other, SPort: 1, DPort: 2, TTL: 64, Flags: packet.ACK,
			Options: packet.TCPOptions{WindowScale: -1},
		}
	}
	change := []func(*packet.Decoded, *packet.Flow){
		func(*packet.Decoded, *packet.Flow) {},
		func(d *packet.Decoded, _ *packet.Flow) { d.Src = client },
		func(d *packet.Decoded, _ *packet.Flow) { d.Dst = server },
		func(d *packet.Decoded, _ *packet.Flow) { d.SPort = 8080 },
		func(d *packet.Decoded, _ *packet.Flow) { d.DPort = 8080 },
		func(d *packet.Decoded, _ *packet.Flow) { d.TTL = 5 },
		func(d *packet.Decoded, _ *packet.Flow) { d.Window = 5 },
		func(d *packet.Decoded, _ *packet.Flow) { d.Flags = packet.SYN },
		func(d *packet.Decoded, _ *packet.Flow) { d.Options.MSS = 1460 },
		func(d *packet.Decoded, _ *packet.Flow) { d.Payload, d.PayloadLen = []byte("any"), 5 },
		func(d *packet.Decoded, f *packet.Flow) { d.PayloadLen, f.Offset = 1, 5 },
		func(_ *packet.Decoded, f *packet.Flow) { f.Seq = 5 },
		func(_ *packet.Decoded, f *packet.Flow) { f.Ack = 5 },
		func(_ *packet.Decoded, f *packet.Flow) { f.Retransmission = true },
		func(_ *packet.Decoded, f *packet.Flow) { f.Conn = 2 },
		func(d *packet.Decoded, _ *packet.Flow) { d.Proto = "udp" },
		func(d *packet.Decoded, _ *packet.Flow) { d.Proto = "icmp" },
		func(d *packet.Decoded, _ *packet.Flow) { d.Family, d.Proto, d.ICMPType = "arp", "arp", "request" },
	}
	var text strings.Builder
	var conns selector.Conns
	for i := range change {
		d, f := plain(), packet.Flow{Conn: 1}
		change[i](&d, &f)
		conns.See(match, &d, &f)
		fmt.Fprintf(&text, "%d: %t\n", i, match.Matches(&d, &f) && conns.Takes(match, &f))
	}
	return text.String(), nil
}

// names reports whether an error names the key as the reason.
func names(err error, k language.Key) bool {
	return regexp.MustCompile(`\b(by|key|match) ` + string(k) + `\b|\b` + string(k) + ` cannot\b`).MatchString(err.Error())
}

// A reader must refuse a key that it does not know, and name the key: a fault that overlooks one
// strikes packets that nobody named.
func TestEveryReaderHandlesEveryKeyOrRefusesIt(t *testing.T) {
	for k, m := range one(t) {
		for reader, read := range readers {
			if k == language.KeyPayloadHex {
				m[0].Payload.Hex = "616e"
			}
			before, err := read(m[1])
			if err != nil {
				t.Errorf("%s without %s: %v", reader, k, err)
				continue
			}
			switch after, err := read(m[0]); {
			case err != nil && !names(err, k):
				t.Errorf("%s refuses %s without naming it: %v", reader, k, err)
			case err == nil && after == before:
				t.Errorf("%s overlooks %s: with and without it\n%s", reader, k, after)
			}
		}
	}
}

// A partition is about a host. A selector beside it would mean nothing.
func TestAPartitionRefusesEveryKey(t *testing.T) {
	cut := planned(language.Fault{Do: language.Action{Partition: &language.Partition{Host: "client"}}})
	if _, err := cut(&language.Selector{}); err != nil {
		t.Error(err)
	}
	for k, m := range one(t) {
		first := m[0].Keys()[0]
		if _, err := cut(m[0]); err == nil || !strings.Contains(err.Error(), "remove "+string(first)) {
			t.Errorf("with %s, of which %s is the first key: %v", k, first, err)
		}
	}
}

// TestAKeyAddedToTheTypeAlone runs the test above with one more key in the type and no other
// change, as if somebody had forgotten everything else.
func TestAKeyAddedToTheTypeAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the readers once more")
	}
	const anchor = "\tTTL    *Count `json:\"ttl,omitempty\""
	path, err := filepath.Abs(filepath.Join("..", "..", "scenarios", "language", "selector.go"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(src), anchor) != 1 {
		t.Fatalf("%s does not have the line %q once", path, anchor)
	}
	dir := t.TempDir()
	added := filepath.Join(dir, "selector.go")
	text := strings.Replace(string(src), anchor, "\tAdded *Count `json:\"added,omitempty\"`\n"+anchor, 1)
	if err := os.WriteFile(added, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace": {%q: %q}}`, path, added), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "test", "-short", "-overlay", overlay, "-run", "^TestEveryReader|^TestTheAddedKey", "-v", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "refused by all but the words") {
		t.Errorf("the added key was not tested:\n%s", out)
	}
}

// TestTheAddedKeyIsRefused is a part of TestAKeyAddedToTheTypeAlone.
func TestTheAddedKeyIsRefused(t *testing.T) {
	m, there := one(t)["added"]
	if !there {
		t.Skip("it is a part of TestAKeyAddedToTheTypeAlone")
	}
	for reader, read := range readers {
		got, err := read(m[0])
		if reader == "the words" {
			if want := m[1].String() + " added 5"; got != want {
				t.Errorf("%s: %q, want %q", reader, got, want)
			}
		} else if err == nil {
			t.Errorf("%s does not refuse the key:\n%s", reader, got)
		}
	}
	t.Log("refused by all but the words")
}
