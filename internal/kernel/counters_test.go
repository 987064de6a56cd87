package kernel

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/internal/testlab"
)

func TestCounterFiles(t *testing.T) {
	for _, f := range []struct {
		name  string
		parse func([]byte, counted) error
		// holds are some of the counters: they catch a golden file that was updated with wrong
		// values.
		holds map[string]int64
	}{
		{"snmp", parsePairs, map[string]int64{"Tcp.MaxConn": -1, "Tcp.RtoMin": 200, "Udp.RcvbufErrors": 0}},
		{"netstat", parsePairs, map[string]int64{"TcpExt.SyncookiesSent": 0, "TcpExt.TCPTimeouts": 2, "IpExt.InNoRoutes": 0}},
		{"snmp6", parseLines, map[string]int64{"Ip6.InReceives": -1, "Udp6.NoPorts": 0, "UdpLite6.InErrors": 0, "Icmp6.InErrors": 1}},
	} {
		t.Run(f.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", f.name))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			if err := f.parse(text, into(got)); err != nil {
				t.Fatal(err)
			}
			for name, want := range f.holds {
				if v, ok := got[name]; !ok || v != want {
					t.Errorf("%s is %d (there: %t), want %d", name, v, ok, want)
				}
			}
			text, err = json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			testlab.Golden(t, filepath.Join("testdata", f.name+".golden.json"), string(text)+"\n")
		})
	}
}

func TestCounterFilesThatAreWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func([]byte, counted) error
		text  string
		want  string
	}{
		{"a value too few", parsePairs, "Tcp: A B\nTcp: 1\n", "line 2: 1 values for 2 names of Tcp"},
		{"values of another group", parsePairs, "Tcp: A\nUdp: 1\n", `values of "Udp" below names of "Tcp"`},
		{"no values", parsePairs, "Tcp: A\n", "line 1: want a pair"},
		{"not a number", parsePairs, "Tcp: A\nTcp: x\n", "line 2: Tcp.A"},
		{"a word too many", parseLines, "Ip6InReceives 1 2\n", "line 1: 3 words"},
		{"not a number in snmp6", parseLines, "Ip6InReceives 1\nIp6InDelivers x\n", "line 2: Ip6InDelivers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.parse([]byte(c.text), into(map[string]int64{}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func FuzzCounterFiles(f *testing.F) {
	for _, name := range []string{"snmp", "netstat", "snmp6"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pairs, lines := map[string]int64{}, map[string]int64{}
		if parsePairs(text, into(pairs)) == nil {
			for name := range pairs {
				if !strings.Contains(name, ".") {
					t.Errorf("counter %q has no group", name)
				}
			}
		}
		if err := parseLines(text, into(lines)); err == nil && len(lines) == 0 && len(text) > 0 {
			t.Errorf("%q has no counters and no error", text)
		}
	})
}

// into returns a function that puts counters into values.
func into(values map[string]int64) counted {
	return func(name []byte, value int64) { values[string(name)] = value }
}
