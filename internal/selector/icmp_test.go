package selector

import (
	"slices"
	"testing"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// The language offers the names that packets have, for each IP version.
func TestICMPNamesAreThoseOfPackets(t *testing.T) {
	for v6, family := range map[bool]language.Family{false: language.V4, true: language.V6} {
		want := packet.ICMPKinds(v6)
		var got []string
		for _, name := range language.ICMPKinds() {
			if name == "any" {
				continue
			}
			file, err := language.Parse("icmp.yaml", []byte("name: icmp\ntitle: t\nip: "+string(family)+
				"\nhosts: {client: {}, server: {}}\nactors: {client: [{connect: \"server:80\"}]}\n"+
				"expect: [{packets: {icmp: "+name+"}, none: true}]\n"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.Expand(nil); err == nil {
				got = append(got, name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: the language takes %q, packets have %q", family, got, want)
		}
	}
}
