package language

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// full returns a selector with every key set.
func full() *Selector {
	yes := true
	return &Selector{
		From: "client", To: "server", TCP: Kinds{SYN, RST}, UDP: "any", ICMP: "echo-request", ARP: "reply",
		Port: Ports{{80, 80}, {443, 443}}, SPort: Ports{{1, 1}}, DPort: Ports{{2, 2}}, Conn: 3,
		Payload:        &Payload{Contains: "a", Hex: "62", Length: &Count{Min: 4, Max: 4}, Offset: &Count{Min: 5, Max: 6}},
		Retransmission: &yes, Options: map[string]bool{"sack": false, "mss": true},
		Seq: &Count{Min: 7, Max: 7}, Ack: &Count{Min: 8, Max: 8}, Window: &Count{Min: 9, Max: 9}, TTL: &Count{Min: 10, Max: 10},
	}
}

func TestKeysAreThoseOfTheType(t *testing.T) {
	keys := full().Keys()
	want := []Key{
		KeyFrom, KeyTo, KeyTCP, KeyUDP, KeyICMP, KeyARP, KeyPort, KeySPort, KeyDPort, KeyConn,
		KeyPayloadContains, KeyPayloadHex, KeyPayloadLength, KeyPayloadOffset,
		KeyRetransmission, KeyOptions, KeySeq, KeyAck, KeyWindow, KeyTTL,
	}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if got := (&Selector{}).Keys(); len(got) > 0 {
		t.Errorf("the empty selector has the keys %v", got)
	}
	// Every field of the type must be set above, new ones too.
	for _, v := range []reflect.Value{reflect.ValueOf(*full()), reflect.ValueOf(*full().Payload)} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("the test does not set %s.%s", v.Type().Name(), v.Type().Field(i).Name)
			}
		}
	}
}

func TestBeyondNamesTheFirstUnknownKey(t *testing.T) {
	m := &Selector{From: "client", Window: &Count{}, TTL: &Count{}}
	if got := m.Beyond(KeyFrom, KeyTTL); got != KeyWindow {
		t.Errorf("got %q, want window", got)
	}
	if got := m.Beyond(KeyFrom, KeyTTL, KeyWindow, KeyAck); got != "" {
		t.Errorf("got %q, want none", got)
	}
	if got := (&Selector{Payload: &Payload{Hex: "00"}}).Beyond(KeyPayloadLength); got != KeyPayloadHex {
		t.Errorf("got %q, want payload.hex", got)
	}
}

func TestSelectorWords(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		name string
		in   Selector
		want string
	}{
		{"everything", Selector{}, "any packet"},
		{"a kind from a host", Selector{From: "client", TCP: Kinds{SYN}}, "SYN from client"},
		{"several kinds and a port", Selector{To: "server", TCP: Kinds{FIN, RST}, Port: Ports{{8080, 8080}}}, "FIN or RST to server port 8080"},
		{"any TCP", Selector{TCP: Kinds{AnySegment}, From: "client", To: "server"}, "TCP from client to server"},
		{"any UDP, several ports", Selector{UDP: "any", DPort: Ports{{53, 53}, {5353, 5353}}}, "UDP dport 53 or 5353"},
		{"an ICMP message", Selector{ICMP: "port-unreachable"}, "ICMP port-unreachable"},
		{"ARP", Selector{ARP: "any", From: "wire"}, "ARP from wire"},
		{"retransmissions", Selector{TCP: Kinds{DATA}, Retransmission: &yes}, "retransmitted DATA"},
		{"first transmissions", Selector{TCP: Kinds{DATA}, Retransmission: &no}, "first-time DATA"},
		{"a range", Selector{TCP: Kinds{ACK}, Window: &Count{Min: 1, Max: 5}}, "ACK window 1..5"},
		{
			"all keys", *full(),
			"retransmitted SYN or RST or UDP or ICMP echo-request or ARP reply from client to server port 80 or 443 sport 1 dport 2 " +
				"of connection 3 seq 7 ack 8 window 9 ttl 10 with mss without sack containing \"a\" containing the bytes 62 " +
				"of 4 bytes at stream offset 5..6",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Each key changes the words: two selectors that differ in one key must not read the same.
func TestEveryKeyHasWords(t *testing.T) {
	for i, k := range full().Keys() {
		less := full()
		v := reflect.ValueOf(less).Elem()
		name, inner, nested := strings.Cut(string(k), ".")
		if nested {
			v, name = reflect.ValueOf(less.Payload).Elem(), inner
		}
		for f := range v.NumField() {
			if tag, _, _ := strings.Cut(v.Type().Field(f).Tag.Get("json"), ","); tag == name {
				v.Field(f).SetZero()
			}
		}
		if n := len(less.Keys()); n != len(full().Keys())-1 {
			t.Fatalf("key %d, %s: %d keys are left", i, k, n)
		}
		if less.String() == full().String() {
			t.Errorf("the words do not change with %s: %s", k, less)
		}
	}
}
