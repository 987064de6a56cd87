package main

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// syn is a SYN captured at one of the two devices of the wire, or at a host's.
func syn(at time.Duration, host string, out bool, port uint16) trace.Event {
	f := make([]byte, 14+20+20)
	f[12], f[13] = 0x08, 0x00
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], 40)
	copy(ip[12:], []byte{198, 19, 0, 1})
	copy(ip[16:], []byte{198, 18, 2, 2})
	tcp := ip[20:]
	binary.BigEndian.PutUint16(tcp, port)
	binary.BigEndian.PutUint16(tcp[2:], 9)
	tcp[12], tcp[13] = 0x50, 0x02
	return trace.Event{T: at, Packet: &trace.Packet{LinkEnd: &trace.LinkEnd{Host: host}, Out: out, Frame: f, Length: len(f)}}
}

func TestDelayErrorsAreTakenFromBothSidesOfTheWire(t *testing.T) {
	const ms = time.Millisecond
	got := delayErrors(trace.Of([]trace.Event{
		syn(0, "client", true, 1), syn(1*ms, "wire", false, 1), syn(2*ms, "wire", false, 2), syn(3*ms, "wire", false, 3),
		syn(22*ms, "wire", true, 1), // 1 ms late
		syn(22*ms, "server", false, 1),
		syn(21*ms, "wire", true, 2), // 1 ms early
		syn(30*ms, "wire", true, 4), // its arrival was not seen; 3 never leaves
	}...))
	if diff := cmp.Diff([]time.Duration{-1 * ms, 1 * ms}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       float64
		wrong      bool
	}{
		{name: "a megabyte in 8 ms", text: "1000000 bytes in 8000000 ns\n", want: 1000},
		{name: "not all of it", text: "999999 bytes in 8000000 ns\n", wrong: true},
		{name: "no time", text: "1000000 bytes in 0 ns\n", wrong: true},
		{name: "nothing", text: "", wrong: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseRate(tt.text, 1_000_000)
			if got != tt.want || (err != nil) != tt.wrong {
				t.Errorf("parseRate(%q) = %v, %v, want %v, error %t", tt.text, got, err, tt.want, tt.wrong)
			}
		})
	}
}

func TestShareDealsTheLongestFirst(t *testing.T) {
	run := func(name string, d time.Duration) *language.Scenario {
		return &language.Scenario{Name: name, Duration: language.Duration(d)}
	}
	var got [][]string
	for _, g := range share([]*language.Scenario{run("a", 1), run("b", 5), run("c", 3)}, 2) {
		var names []string
		for _, s := range g {
			names = append(names, s.Name)
		}
		got = append(got, names)
	}
	if diff := cmp.Diff([][]string{{"b", "a"}, {"c"}}, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestOwnScenariosLoad(t *testing.T) {
	for _, name := range []string{"delay.yaml", "stream.yaml", "hold.yaml"} {
		if _, err := load(name, nil); err != nil {
			t.Error(err)
		}
	}
}
