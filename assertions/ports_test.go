package assertions

import (
	"testing"

	"halfopen/scenarios/language"
)

func TestSocketsAreSelectedByTheirPorts(t *testing.T) {
	some := language.Ports{{First: 8080, Last: 8080}, {First: 9000, Last: 9009}}
	for address, want := range map[string]bool{
		"198.18.2.2:8080": true, "[2001:2:0:2::2]:9009": true, "198.18.2.2:9010": false, "198.18.2.2:0": false,
		"no address": false,
	} {
		if got := portIs(some, address); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
		if !portIs(nil, address) {
			t.Errorf("%s is not of any port", address)
		}
	}
}
