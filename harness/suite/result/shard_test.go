package result

import "testing"

func TestParseShard(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"2/5", ""},
		{"1/1", ""},
		{"1000/1000", ""},
		{"0/5", "the shard is 0 of 5: want 1 to 5"},
		{"6/5", "the shard is 6 of 5: want 1 to 5"},
		{"0/0", "the number of shards is 0: want 1 to 1000"},
		{"1/1001", "the number of shards is 1001: want 1 to 1000"},
		{"-1/5", "the shard is -1 of 5: want 1 to 5"},
		{"", "want INDEX/TOTAL, such as 2/5"},
		{"2", "want INDEX/TOTAL, such as 2/5"},
		{"2/", "want INDEX/TOTAL, such as 2/5"},
		{"/5", "want INDEX/TOTAL, such as 2/5"},
		{"2/5/7", "want INDEX/TOTAL, such as 2/5"},
		{"02/5", "want INDEX/TOTAL, such as 2/5"},
		{"+2/5", "want INDEX/TOTAL, such as 2/5"},
		{" 2/5", "want INDEX/TOTAL, such as 2/5"},
		{"2/99999999999999999999", "want INDEX/TOTAL, such as 2/5"},
	} {
		s, err := ParseShard(tt.text)
		switch {
		case tt.want == "" && (err != nil || s.String() != tt.text):
			t.Errorf("%q: %v, %v", tt.text, s, err)
		case tt.want != "" && (err == nil || err.Error() != tt.want):
			t.Errorf("%q: error %v, want %s", tt.text, err, tt.want)
		}
	}
}
