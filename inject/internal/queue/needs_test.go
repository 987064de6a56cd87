package queue

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"halfopen/scenarios/language"
)

// samples are the forms of each action that differ in what they need of packets. Each strikes a
// long DATA segment.
var samples = map[string][]string{
	"drop":      {`drop`},
	"partition": {`{partition: server}`},
	"reject":    {`reject`, `{reject: tcp-reset}`},
	"reset":     {`reset`},
	"delay":     {`{delay: 10ms}`, `{delay: {by: 10ms, jitter: 5ms}}`},
	"hold":      {`{hold: client.connect}`},
	"duplicate": {`duplicate`},
	"reorder":   {`reorder`},
	"corrupt":   {`corrupt`, `{corrupt: {bytes: 1, checksum: fix}}`},
	"rewrite":   {`{rewrite: {window: 0}}`, `{rewrite: {ttl: 9}}`},
	"rate":      {`{rate: 1mbit}`},
	"loss":      {`{loss: {good-to-bad: 50%, bad-to-good: 50%}}`},
	"replay":    {`{replay: 10ms}`},
	"mtu":       {`{mtu: 1400}`, `{mtu: {size: 1400, icmp: drop}}`},
}

// dataOf returns a DATA segment with n bytes of payload.
func dataOf(f language.Family, n int) []byte {
	s := segment{way: toServer, flags: "ACK", seq: 1001, ack: 5001, window: 500}
	s.payload = strings.Repeat("x", n)
	return s.bytes(f)
}

// outcomes gives a new engine with one action the same packet five times.
func outcomes(t *testing.T, f language.Family, do string, packet []byte) []Decision {
	t.Helper()
	match := `match: {tcp: any}, `
	if strings.Contains(do, "partition") {
		match = "" // it takes none
	}
	e := newTestEngine(t, f, 1, `{f: {`+match+`do: `+do+`}}`)
	var all []Decision
	for i := range 5 {
		all = append(all, decide(e, packet, i))
	}
	return all
}

// The queue reads only the headers of packets unless an action asks for their bytes. An action that
// needs them without asking would do nothing, or something else.
func TestActionsAskForTheBytesTheyNeed(t *testing.T) {
	for kind, row := range actions {
		differs := ""
		for _, do := range samples[kind] {
			for _, f := range families {
				b := dataOf(f, 2000)
				whole, cut := outcomes(t, f, do, b), outcomes(t, f, do, b[:headers])
				if len(slices.Concat(effects(&whole[0]), effects(&whole[1]), effects(&whole[4]))) == 0 {
					t.Errorf("IP%s: %s does not strike", f, do)
				}
				if !reflect.DeepEqual(whole, cut) {
					differs = do
				}
			}
		}
		if len(samples[kind]) == 0 || row.bytes != (differs != "") {
			t.Errorf("%s: bytes is %t; of %q, a packet cut to its headers changes %q", kind, row.bytes, samples[kind], differs)
		}
	}
}

// With offloads one packet in the queue stands for many on the wire. An action that changes or
// copies packets, or decides by their length whether they pass, must ask for those on the wire.
func TestActionsAskForPacketsOfTheWire(t *testing.T) {
	// fates says which packets pass, and how many more are sent.
	fates := func(all []Decision) [][2]int {
		var list [][2]int
		for i := range all {
			passes := 1
			if all[i].Drop {
				passes = 0
			}
			list = append(list, [2]int{passes, len(all[i].Extras)})
		}
		return list
	}
	for kind, row := range actions {
		touched := ""
		for _, do := range samples[kind] {
			for _, f := range families {
				one, merged := dataOf(f, 1000), dataOf(f, 9000)
				all := outcomes(t, f, do, one)
				for i := range all {
					copied := func(x Extra) bool { return bytes.Equal(x.Data, one) }
					if all[i].Data != nil || slices.ContainsFunc(all[i].Extras, copied) {
						touched = do
					}
				}
				if !reflect.DeepEqual(fates(all), fates(outcomes(t, f, do, merged))) {
					touched = do
				}
			}
		}
		if len(samples[kind]) == 0 || row.wire != (touched != "") {
			t.Errorf("%s: wire is %t; of %q, packets are changed, copied or judged by length by %q",
				kind, row.wire, samples[kind], touched)
		}
	}
}
