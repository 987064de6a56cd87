package language

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
)

func TestPhrasesAreFaults(t *testing.T) {
	for phrase, want := range map[string]string{
		"drop":                                                   `do: drop`,
		"drop SYN":                                               `match: {tcp: SYN}, do: drop`,
		"drop syn to server first 2":                             `match: {tcp: SYN, to: server}, first: 2, do: drop`,
		"DROP any packet to server":                              `match: {to: server}, do: drop`,
		"drop SYN or RST from client":                            `match: {tcp: [SYN, RST], from: client}, do: drop`,
		"drop SYN, RST":                                          `match: {tcp: [SYN, RST]}, do: drop`,
		"drop SYN,RST skip 1 every 3":                            `match: {tcp: [SYN, RST]}, skip: 1, every: 3, do: drop`,
		"drop tcp data":                                          `match: {tcp: DATA}, do: drop`,
		"drop tcp port 80,443":                                   `match: {tcp: any, port: [80, 443]}, do: drop`,
		"drop tcp any dport 8000..8010":                          `match: {tcp: any, dport: 8000..8010}, do: drop`,
		"drop udp dport 53 nth 1,3":                              `match: {udp: any, dport: 53}, nth: [1, 3], do: drop`,
		`drop nth "[1, 3]"`:                                      `nth: [1, 3], do: drop`,
		"drop icmp echo-request":                                 `match: {icmp: echo-request}, do: drop`,
		"drop icmp to client":                                    `match: {icmp: any, to: client}, do: drop`,
		"drop retransmitted DATA chance 5%":                      `match: {retransmission: true, tcp: DATA}, chance: 5%, do: drop`,
		`drop DATA contains "GET /" seq >= 3`:                    `match: {tcp: DATA, payload: {contains: GET /}, seq: '>= 3'}, do: drop`,
		"drop SYN with timestamps without mss":                   `match: {tcp: SYN, options: {timestamps: true, mss: false}}, do: drop`,
		"drop DATA length 100 offset 0":                          `match: {tcp: DATA, payload: {length: 100, offset: 0}}, do: drop`,
		"drop from client.send for 5s":                           `from: client.send, for: 5s, do: drop`,
		"drop from client from client.send[2] until fault.x.hit": `match: {from: client}, from: 'client.send[2]', until: fault.x.hit, do: drop`,
		`drop from "{log: server.start, contains: up now}"`:      `from: {log: server.start, contains: up now}, do: drop`,
		`hold "{log: server.start, contains: up}" SYN`:           `match: {tcp: SYN}, do: {hold: {log: server.start, contains: up}}`,
		"drop at server.input via nfqueue":                       `at: server.input, via: nfqueue, do: drop`,
		"drop ack ack 1":                                         `match: {tcp: ACK, ack: 1}, do: drop`,
		"delay 200ms":                                            `do: {delay: 200ms}`,
		"delay by 200ms":                                         `do: {delay: 200ms}`,
		"delay 200ms jitter 20ms order free ACK":                 `match: {tcp: ACK}, do: {delay: {by: 200ms, jitter: 20ms, order: free}}`,
		"delay 200ms ACK jitter 20ms":                            `match: {tcp: ACK}, do: {delay: {by: 200ms, jitter: 20ms}}`,
		"reject SYN":                                             `match: {tcp: SYN}, do: reject`,
		"reject tcp-reset SYN":                                   `match: {tcp: SYN}, do: {reject: tcp-reset}`,
		"reset DATA to server":                                   `match: {tcp: DATA, to: server}, do: reset`,
		"reset to server":                                        `match: {to: server}, do: reset`,
		"reset to sender to server":                              `match: {to: server}, do: {reset: sender}`,
		"reset both DATA after 1s":                               `match: {tcp: DATA}, after: 1s, do: {reset: both}`,
		"rate 1mbit queue 64kB to client":                        `match: {to: client}, do: {rate: {to: 1mbit, queue: 64kB}}`,
		"rate to 1mbit":                                          `do: {rate: 1mbit}`,
		"mtu 1400 icmp drop":                                     `do: {mtu: {size: 1400, icmp: drop}}`,
		"mtu 1400 icmp time-exceeded":                            `match: {icmp: time-exceeded}, do: {mtu: 1400}`,
		"partition server after 1s for 3s":                       `after: 1s, for: 3s, do: {partition: server}`,
		"duplicate DATA":                                         `match: {tcp: DATA}, do: duplicate`,
		"duplicate 2 DATA":                                       `match: {tcp: DATA}, do: {duplicate: 2}`,
		"corrupt 2 offset 3 checksum fix DATA offset 9":          `match: {tcp: DATA, payload: {offset: 9}}, do: {corrupt: {bytes: 2, offset: 3, checksum: fix}}`,
		"hold client.send SYN":                                   `match: {tcp: SYN}, do: {hold: client.send}`,
		"hold until client.send":                                 `do: {hold: client.send}`,
		"replay 2s":                                              `do: {replay: 2s}`,
		"rewrite window 0 strip mss,timestamps from server":      `match: {from: server}, do: {rewrite: {window: 0, strip: [mss, timestamps]}}`,
		"rewrite ttl 1 ttl 64":                                   `match: {ttl: 64}, do: {rewrite: {ttl: 1}}`,
		"loss good-to-bad 1% bad-to-good 30%":                    `do: {loss: {good-to-bad: 1%, bad-to-good: 30%}}`,
	} {
		t.Run(phrase, func(t *testing.T) {
			p, err := ParsePhrase(phrase)
			if err != nil {
				t.Fatal(err)
			}
			n := p.YAML()
			n.Style = yaml.FlowStyle
			got, err := yaml.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("{"+want+"}\n", strings.ReplaceAll(string(got), "\n    ", " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			f, err := p.fault()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParsePhrase(f.Phrase())
			if err != nil {
				t.Fatalf("%s: %v", f.Phrase(), err)
			}
			if g, err := again.fault(); err != nil || cmp.Diff(unplaced(f), unplaced(g)) != "" {
				t.Errorf("%s: %v\n%s", f.Phrase(), err, cmp.Diff(unplaced(f), unplaced(g)))
			}
		})
	}
}

func TestPhrasesThatAreWrong(t *testing.T) {
	for phrase, want := range map[string]string{
		"":                            `the phrase is empty: want an action, such as "drop SYN to server first 2"`,
		"dropp SYN":                   `unknown action "dropp" (did you mean "drop"?)`,
		`"drop" SYN`:                  `unknown action "drop" (did you mean "drop"?)`,
		"drop SNY":                    `unknown word "SNY" (did you mean "SYN"?)`,
		"drop SYN to":                 `to: want a value after it: Receiving host: the destination address is one of its addresses.`,
		"drop SYN first":              `first: want a value after it: Strike only the first N matching packets.`,
		"drop SYN first two":          `first: want an integer, not "two"`,
		"drop SYN frist 2":            `unknown word "frist" (did you mean "first"?)`,
		"drop SYN first 1 first 2":    `first is said twice; keep one`,
		"drop SYN to server ACK":      `tcp is said twice; keep one`,
		"drop chance 5":               `chance: "5" has no unit: write 5%`,
		"drop port http":              `port: invalid port "http": want 1 to 65535, or a range such as 40000..40010`,
		"drop until client":           `until: invalid event "client": want ` + eventForms,
		`drop from "{log"`:            `from: invalid event {log: want a mapping such as {log: server.start, contains: up}`,
		`drop from "{lag: x}"`:        `from: want an event here: ` + eventForms + `, or a mapping with the key ` + strings.Join(mappingKeys(), " or "),
		"drop at":                     `at: want a value after it: Where it strikes: wire (default), HOST.input or HOST.output. Without a wire the default is the receiver's input.`,
		"drop via tcc":                `via: invalid value "tcc": want auto, iptables, tc, nfqueue (did you mean "tc"?)`,
		"drop SYN with sak":           `unknown TCP option "sak" (did you mean "sack"?)`,
		"drop SYN with":               `with: want a TCP option after it: mss, window-scale, sack-permitted, sack, timestamps, fast-open`,
		`drop "SYN"`:                  `unexpected text "SYN": want a word before it, such as contains`,
		`drop contains "SYN`:          `"SYN begins with a quote and has no end: want "text"`,
		"drop arp any":                `unknown word "arp"`,
		"delay":                       `delay: want a value after it: How long the packet is held.`,
		"delay SYN":                   `delay: want a value after it: How long the packet is held.`,
		"delay 200":                   `delay: "200" has no unit: write 200s or 200ms`,
		"delay by 200":                `by: "200" has no unit: write 200s or 200ms`,
		"rate 1mbt":                   `rate: invalid bit rate "1mbt": want one such as 500kbit or 1mbit`,
		"rate 1mbit to servers 1":     `unknown word "1"`,
		"delay 200ms jiter 2ms":       `unknown word "jiter" (did you mean "jitter"?)`,
		"reject tcp-rest SYN":         `unknown word "tcp-rest" (did you mean "tcp-reset"?)`,
		"reset sendr":                 `unknown word "sendr" (did you mean "sender"?)`,
		"loss good-to-bad 1%":         `loss: missing key "bad-to-good"`,
		"partition":                   `partition: want a value after it: The host that is cut off.`,
		strings.Repeat("drop ", 1000): `the phrase is too long: want at most 4096 bytes`,
	} {
		t.Run(phrase[:min(len(phrase), 30)], func(t *testing.T) {
			_, err := ParsePhrase(phrase)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Every key of the language has a word, and what a phrase of it means is the same fault.
func TestEveryFaultIsAPhrase(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "valid", "everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse("everything.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	all, err := file.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]bool{}
	for i := range all[0].Faults {
		f := &all[0].Faults[i]
		actions[f.Do.Kind()] = true
		p, err := ParsePhrase(f.Phrase())
		if err != nil {
			t.Errorf("%s: %q: %v", f.Name, f.Phrase(), err)
			continue
		}
		got, err := p.fault()
		if err != nil {
			t.Errorf("%s: %q: %v", f.Name, f.Phrase(), err)
			continue
		}
		if diff := cmp.Diff(unplaced(f), unplaced(got)); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", f.Name, f.Phrase(), diff)
		}
	}
	for _, kind := range ActionKinds() {
		if !actions[kind] {
			t.Errorf("no fault of the file does %s", kind)
		}
	}
	for _, key := range slices.Concat(decode.Keys(selectorType), decode.Keys(faultType)) {
		if !slices.Contains(keyWords(), key) &&
			!slices.Contains([]string{"arp", "options", "payload", "match", "do", "only"}, key) {
			t.Errorf("no phrase has the key %s", key)
		}
	}
}

// unplaced returns a fault without what a phrase does not have.
func unplaced(f *Fault) Fault {
	g := *f
	g.Name, g.Only, g.Pos = "", nil, Pos{}
	return g
}

// A phrase for a scenario is checked as its faults are.
func TestPhrasesForAScenario(t *testing.T) {
	file, err := Parse("x.yaml", []byte("name: x\ntitle: x\nhosts: {client: , server: }\n"+
		"faults: {drop-syn: {match: {tcp: SYN}, do: drop}, drop-syn-2: {do: drop}}\n"+
		"actors: {client: [connect: \"server:1\"]}\nexpect: [{step: client.connect}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := file.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	for phrase, want := range map[string]string{
		"drop SYN to server first 2":     "drop-syn-3 drop SYN to server first 2",
		"delay 200ms for 5s":             "delay delay 200ms for 5s",
		"partition server":               "partition partition server",
		"drop SYN to sever":              `drop: unknown host "sever" (did you mean "server"?)`,
		"drop first 0":                   "drop: invalid first 0: want 1 or more",
		"delay 0s":                       "delay: delay: invalid by 0s: no packet would be delayed; want more than 0s, or leave the fault out with only",
		"partition server nth 1":         "drop",
		"drop until client.connect":      "drop: a fault that is added to a lab waits for no event, such as client.connect; switch it by hand",
		"hold client.connect":            "hold: a fault that is added to a lab waits for no event, such as client.connect; switch it by hand",
		"drop udp any tcp any":           "drop: no packet is tcp and udp at once; want one of them",
		"drop at server.input to client": "drop: no packet to client comes in at server: want at: client.input",
	} {
		p, err := ParsePhrase(phrase)
		if err != nil {
			t.Errorf("%s: %v", phrase, err)
			continue
		}
		f, err := p.For(all[0])
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = f.Name + " " + f.Phrase()
		}
		if got != want && !strings.HasPrefix(phrase, "partition server nth") {
			t.Errorf("%s: %s, want %s", phrase, got, want)
		}
		if len(all[0].Faults) != 2 {
			t.Fatalf("%s: the scenario has %d faults now", phrase, len(all[0].Faults))
		}
	}
}

func FuzzPhrase(f *testing.F) {
	for _, phrase := range []string{
		"drop SYN or RST from client to server first 2", "delay 200ms jitter 20ms", `drop contains "\x00" seq > 3`,
		"rewrite window 0 strip mss,timestamps", "reset to server with mss", "mtu 1400 icmp drop icmp any",
		"drop from client.send until fault.x.hit[3]", "loss good-to-bad 1% bad-to-good 30%",
	} {
		f.Add(phrase)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePhrase(text)
		if err != nil {
			return
		}
		want, err := p.fault()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePhrase(want.Phrase())
		if err != nil {
			t.Fatalf("%q is %q: %v", text, want.Phrase(), err)
		}
		got, err := again.fault()
		if err != nil {
			t.Fatal(err)
		}
		if want.Phrase() != got.Phrase() {
			t.Errorf("%q is %q, and that %q", text, want.Phrase(), got.Phrase())
		}
	})
}
