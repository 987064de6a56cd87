package harness

import (
	"strings"
	"testing"
)

func TestLastWords(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"of a lab that said nothing", " \n", ""},
		{"of a panic", "panic: no\n\ngoroutine 1 [running]:\n", ":\npanic: no\n\ngoroutine 1 [running]:"},
		{
			"of a lab that got no thread", "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f\n",
			": it got no thread; raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lastWords(strings.NewReader(c.text)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
