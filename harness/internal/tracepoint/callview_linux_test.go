//go:build amd64 || arm64

package tracepoint

import (
	"testing"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// The threads of a program end at the same moment, on several processors.
func TestNothingIsKeptOfThreadsThatHaveEnded(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	l := newLab(t, language.V4)
	view, err := OpenCalls()
	testlab.Supported(t, err)
	t.Cleanup(func() { l.try(view.Close()) })
	client := l.hosts["client"]
	calls := 0
	watch, err := view.Watch(inode(t, client.ns), func(Event) { calls++ })
	l.try(err)
	client.sh(`for i in 1 2; do setpriv --bounding-set -sys_admin python3 -c '
import os, socket, threading
called = threading.Barrier(41)
def call():
    socket.socket()
    called.wait()
    threading.Event().wait()
for i in range(40):
    threading.Thread(target=call, daemon=True).start()
called.wait()
os._exit(0)
'; done`)
	for _, name := range []string{"processes", "threads"} {
		left, key, value := 0, uint32(0), make([]byte, view.maps[name].ValueSize())
		for i := view.maps[name].Iterate(); i.Next(&key, &value); {
			left++
		}
		if left != 0 {
			t.Errorf("%d entries of %s are left", left, name)
		}
	}
	lost, err := watch.Stop()
	l.try(err)
	if calls < 2*40 || lost.Total() != 0 {
		t.Errorf("%d calls were seen and %d lost, want at least %d and none lost", calls, lost.Total(), 2*40)
	}
}
