package main

import (
	"strings"
	"testing"
	"time"
)

func TestTryTakesCommandsInUTF8(t *testing.T) {
	for name, test := range map[string]struct {
		server string
		client []string
		want   string
	}{
		"a client with other letters": {"", []string{"echo", "größer\x1b"}, ""},
		"a client that is not UTF-8":  {"", []string{"printf", "a\xff"}, `"a\xff" is not UTF-8`},
		"a server that is not UTF-8":  {"true \xfe", []string{"true"}, `"true \xfe" is not UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			f := tryFlags{attempt: attempt{timeout: time.Second}}
			f.server, f.client = once(test.server), test.client
			err := f.check()
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
