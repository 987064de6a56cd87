package say

import (
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	for want, words := range map[string][]string{
		"none":       nil,
		"a":          {"a"},
		"a and b":    {"a", "b"},
		"a, b and c": {"a", "b", "c"},
	} {
		if got := List(words); got != want {
			t.Errorf("List(%q) = %q, want %q", words, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 packets", 1: "1 packet", 2: "2 packets"} {
		if got := Count(n, "packet"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	short, long := strings.Repeat("x", 60), strings.Repeat("x", 61)
	if got := Clip(short); got != short {
		t.Errorf("60 bytes become %q", got)
	}
	wide := strings.Repeat("全", 21) // 3 bytes each
	if got := Clip(wide); got != wide[:57]+"..." {
		t.Errorf("63 bytes become %q", got)
	}
	if got := Clip("x" + wide); got != "x"+wide[:54]+"..." {
		t.Errorf("64 bytes become %q", got)
	}
	if got := Clip(strings.Repeat("\x80", 61)); len(got) < 55 {
		t.Errorf("61 bytes that are no UTF-8 become %q", got)
	}
	if got := Clip(long); got != short[:57]+"..." {
		t.Errorf("61 bytes become %q", got)
	}
}
