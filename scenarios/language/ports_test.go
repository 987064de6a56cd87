package language

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPortsAreReadAsRanges(t *testing.T) {
	for text, want := range map[string]Port{
		"80": {80, 80}, "40000..40010": {40000, 40010}, "1 .. 65535": {1, 65535}, "7..7": {7, 7},
	} {
		var got Port
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"x":           `invalid port "x": want 1 to 65535, or a range such as 40000..40010`,
		"0":           `invalid port 0: want 1 to 65535`,
		"1..65536":    `invalid port 65536: want 1 to 65535`,
		"9..8":        `invalid range "9..8": 9 is more than 8; want the lower port first`,
		"8..":         `invalid port "8..": want 1 to 65535, or a range such as 40000..40010`,
		"40000-40010": `invalid port "40000-40010": write a range as 40000..40010`,
		"40000:40010": `invalid port "40000:40010": write a range as 40000..40010`,
	} {
		if err := new(Port).Set(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestPortsAreStoredAsTheyWereBefore(t *testing.T) {
	for _, c := range []struct {
		stored string
		want   Ports
		again  string
	}{
		{`[80]`, PortList(80), `[80]`},
		{`80`, PortList(80), `[80]`}, // of a socket, from an earlier version
		{`["40000..40010",80]`, Ports{{40000, 40010}, {80, 80}}, `["40000..40010",80]`},
	} {
		var got Ports
		if err := json.Unmarshal([]byte(c.stored), &got); err != nil {
			t.Errorf("%s: %v", c.stored, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.stored, diff)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != c.again {
			t.Errorf("%s is stored as %s, %v", c.stored, again, err)
		}
	}
	if err := json.Unmarshal([]byte(`["x"]`), new(Ports)); err == nil {
		t.Error("a text that is no port was read")
	}
}

func TestSelectorsTakeListsAndRangesOfPorts(t *testing.T) {
	head := skeleton + "actors: {client: [{connect: \"server:80\"}]}\nexpect:\n  - "
	for name, c := range map[string]struct{ text, want string }{
		"a range of packets": {
			"{packets: {tcp: SYN, sport: 40000..40010}, count: 1}",
			"SYN sport 40000..40010: 1",
		},
		"a list for sockets": {
			"{reaches: {host: client, remote: [8080, 9000..9009], state: ESTABLISHED}}",
			"reaches: client remote port 8080 or 9000..9009 in ESTABLISHED",
		},
		"an empty list for sockets": {
			"{never: {host: client, remote: []}}",
			"remote is empty; give it a port, or remove the key",
		},
		"an empty list for packets": {
			"{packets: {tcp: SYN, sport: []}, count: 1}",
			"sport is empty; give it a value, or remove the key",
		},
		"a backward range for sockets": {
			"{never: {host: client, local: 9..8}}",
			`invalid range "9..8": 9 is more than 8; want the lower port first`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := expandText(t, head+c.text+"\n", nil)
			got := ""
			if err == nil {
				got = all[0].Expect[0].String()
			} else {
				got = err.Error()[strings.Index(err.Error(), ": ")+2:]
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhereTakesConditionsTogether(t *testing.T) {
	head := skeleton + "actors: {client: [sleep: 1s]}\nexpect:\n  - {step: client.sleep, where: "
	for text, want := range map[string]string{
		"{sysctl: net.a}":                    "where the kernel has net.a",
		"{no-sysctl: net.a}":                 "where the kernel has no net.a",
		"{sysctl: net.a, no-sysctl: net.b}":  "where the kernel has net.a and no net.b",
		"{sysctl: [net.a, net.b, net.c]}":    "where the kernel has net.a, net.b and net.c",
		"{}":                                 "test.yaml:6:33: where: want at least one of sysctl and no-sysctl",
		"{sysctl: [net.a, net.a]}":           "test.yaml:6:50: where: net.a is named twice; keep one",
		"{sysctl: net.a, no-sysctl: net.a}":  "test.yaml:6:60: where: net.a is named twice; keep one",
		"{sysctl: [net.a, kernel.hostname]}": `test.yaml:6:50: invalid sysctl "kernel.hostname": want a name that begins with net.; others belong to the whole machine, not to a host of the lab`,
	} {
		all, err := expandText(t, head+text+"}\n", nil)
		got := ""
		if err == nil {
			got = all[0].Expect[0].Where.String()
		} else {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	var stored Where
	if err := json.Unmarshal([]byte(`{"sysctl": "net.a"}`), &stored); err != nil || stored.String() != "where the kernel has net.a" {
		t.Errorf("a condition of an earlier version is read as %q, %v", stored.String(), err)
	}
}
