package say

import "testing"

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "全角": 4, "e\u0301": 1, "👩": 2, "µ→─": 3, "ﾊﾝ": 2, "❤": 1,
	} {
		if got := Width(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}
