package malformed

import (
	"strings"
	"testing"
)

func TestPackets(t *testing.T) {
	all := Packets()
	if len(all) < 60 {
		t.Errorf("only %d packets", len(all))
	}
	names, bytes := map[string]bool{}, map[string]string{}
	for _, p := range all {
		if names[p.Name] || p.Name == "" {
			t.Errorf("the name %q is given twice, or empty", p.Name)
		}
		names[p.Name] = true
		if same, ok := bytes[string(p.Data)]; ok {
			t.Errorf("%s and %s are the same", p.Name, same)
		}
		bytes[string(p.Data)] = p.Name
		version, _, _ := strings.Cut(p.Name, "-")
		if want := map[string]byte{"v4": 4, "v6": 6}[version]; want != 0 && p.Data[0]>>4 != want {
			t.Errorf("%s is a packet of IP version %d", p.Name, p.Data[0]>>4)
		}
	}
}
