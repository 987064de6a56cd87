package language

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A selector must be refused if no packet of its protocol has the property that a key is about: it
// would match nothing, and a fault with it would do nothing.
func TestSelectorsAskOnlyForWhatPacketsHave(t *testing.T) {
	all := []string{"tcp", "udp", "icmp", "arp"}
	// having has a value for each key, and the protocols whose packets have the property.
	having := map[Key]struct {
		value     string
		protocols []string
	}{
		KeyFrom:           {"client", all},
		KeyTo:             {"server", all},
		KeyPort:           {"7", []string{"tcp", "udp"}},
		KeySPort:          {"[7, 8]", []string{"tcp", "udp"}},
		KeyDPort:          {"7", []string{"tcp", "udp"}},
		KeyConn:           {"1", []string{"tcp", "udp"}},
		KeyRetransmission: {"false", []string{"tcp"}},
		KeyOptions:        {"{mss: true}", []string{"tcp"}},
		KeySeq:            {"0", []string{"tcp"}},
		KeyAck:            {"1", []string{"tcp"}},
		KeyWindow:         {"5", []string{"tcp"}},
		KeyTTL:            {"5", []string{"tcp", "udp", "icmp"}},
	}
	for _, k := range full().Keys() {
		// Payloads have messages of another kind.
		if slices.Contains(all, string(k)) || strings.HasPrefix(string(k), "payload.") {
			continue
		}
		want, known := having[k]
		if !known {
			t.Errorf("the test does not know the key %s", k)
			continue
		}
		for _, proto := range all {
			head := skeleton + "actors: {client: [sleep: 1s]}\nexpect:\n"
			before := fmt.Sprintf("  - {packets: {%s: any, %s: ", proto, k)
			_, err := expandText(t, head+before+want.value+"}, count: 1}\n", nil)
			if slices.Contains(want.protocols, proto) {
				if err != nil {
					t.Errorf("%s of %s: %v", k, proto, err)
				}
				continue
			}
			message := fmt.Sprintf("test.yaml:%d:%d: %s: %s packets have none; remove the key",
				strings.Count(head, "\n")+1, len(before)+1, k, strings.ToUpper(proto))
			if got := fmt.Sprint(err); got != message {
				t.Errorf("%s of %s is refused with\n%s\nwant\n%s", k, proto, got, message)
			}
		}
	}
}
