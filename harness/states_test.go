package harness

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// Each socket counts once for an event, whoever reports it and how often, and only if it is as selected.
func TestStateWatches(t *testing.T) {
	s := &language.Scenario{Faults: []language.Fault{
		{From: "{state: ESTABLISHED, host: server, local: 80, nth: 2}", Until: "{state: [LISTEN, CLOSE_WAIT], host: server}"},
		{From: "{host: server, local: 80, state: [ESTABLISHED], nth: 2}", Until: "{state: TIME_WAIT, host: client, remote: 80}"},
		{From: "{state: ESTABLISHED, host: server, nth: 9}", Until: "server.web.ended"},
	}}
	w := newStateWatches(s)
	var got []string
	var counted []int
	for i, seen := range []struct {
		host          string
		cookie        uint64
		local, remote string
		state         string
	}{
		{"server", 1, "198.18.2.2:80", "0.0.0.0:0", "LISTEN"},
		{"server", 2, "198.18.2.2:80", "198.18.1.2:4000", "SYN_RECV"},
		{"server", 2, "198.18.2.2:80", "198.18.1.2:4000", "ESTABLISHED"},
		{"server", 2, "198.18.2.2:80", "198.18.1.2:4000", "ESTABLISHED"},
		{"client", 3, "198.18.1.2:4000", "198.18.2.2:80", "ESTABLISHED"},
		{"server", 4, "198.18.2.2:81", "198.18.1.2:4001", "ESTABLISHED"},
		{"server", 5, "[2001:db8::2]:80", "[2001:db8::1]:4002", "ESTABLISHED"},
		{"server", 6, "198.18.2.2:80", "198.18.1.2:4003", "ESTABLISHED"},
		{"server", 2, "198.18.2.2:80", "198.18.1.2:4000", "CLOSE_WAIT"},
		{"client", 7, "198.18.1.2:80", "198.18.2.2:4000", "TIME_WAIT"},
		{"client", 8, "", "", "TIME_WAIT"},
	} {
		happened, counts := w.see(seen.host, seen.cookie, seen.local, seen.remote, seen.state)
		for _, e := range happened {
			got = append(got, fmt.Sprintf("%d: %s on %s, %d", i, e.Event, e.Host, e.Seen))
		}
		if counts {
			counted = append(counted, i)
		}
	}
	if diff := cmp.Diff([]int{0, 2, 5, 6, 7}, counted); diff != "" {
		t.Errorf("sockets that an event waits for (-want +got):\n%s", diff)
	}
	want := []string{
		"0: {host: server, state: [LISTEN, CLOSE_WAIT]} on server, 1",
		"6: {host: server, local: 80, state: ESTABLISHED, nth: 2} on server, 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var left []string
	for _, e := range w.left() {
		left = append(left, fmt.Sprintf("%s %d", e.Event, e.Seen))
	}
	want = []string{"{host: client, remote: 80, state: TIME_WAIT} 0", "{host: server, state: ESTABLISHED, nth: 9} 4"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("events that are left (-want +got):\n%s", diff)
	}
	// Only looks show TIME_WAIT, whatever the kernel shows.
	for exact, want := range map[bool]map[string]bool{true: {"client": true}, false: {"client": true, "server": true}} {
		if diff := cmp.Diff(want, w.looks(exact)); diff != "" {
			t.Errorf("hosts that are looked at, exact %v (-want +got):\n%s", exact, diff)
		}
	}
}
