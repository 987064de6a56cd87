package language

import (
	"net/netip"
	"testing"
)

func TestNumberParse(t *testing.T) {
	for _, tt := range []struct {
		text   string
		base   string
		offset int64
		ok     bool
	}{
		{"0", "", 0, true},
		{"7", "", 7, true},
		{"+7", "", 7, true},
		{"-1", "", -1, true},
		{"4294967295", "", 4294967295, true},
		{"-2147483648", "", -2147483648, true},
		{"next", "next", 0, true},
		{"next+100", "next", 100, true},
		{"next-1", "next", -1, true},
		{"now-5000", "now", -5000, true},
		{"", "", 0, false},
		{"4294967296", "", 0, false},
		{"-2147483649", "", 0, false},
		{"next100", "", 0, false},
		{"next+", "", 0, false},
		{"next + 1", "", 0, false},
		{"1.5", "", 0, false},
		{"0x10", "", 0, false},
		{"99999999999999999999", "", 0, false},
	} {
		base, offset, err := Number(tt.text).Parse()
		if base != tt.base || offset != tt.offset || (err == nil) != tt.ok {
			t.Errorf("%q is %q, %d, %v, want %q, %d, ok %t", tt.text, base, offset, err, tt.base, tt.offset, tt.ok)
		}
	}
}

func TestNobodyIsOfTheLab(t *testing.T) {
	for family, lab := range map[Family]netip.Prefix{V4: labV4, V6: labV6} {
		if p := Nobody(family); !lab.Contains(p.Addr()) || p.Bits() < lab.Bits() {
			t.Errorf("%s is not within %s", p, lab)
		}
	}
}
