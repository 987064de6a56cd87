package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPipesHaveOneEndHereAndOneThere(t *testing.T) {
	var p pipes
	to, from := p.to("order"), p.from("answer")
	if p.err != nil {
		t.Fatal(p.err)
	}
	defer p.closeHere()
	for name, ends := range map[string]struct{ w, r *os.File }{
		"to":   {w: to.here, r: to.there},
		"from": {w: from.there, r: from.here},
	} {
		if _, err := ends.w.WriteString(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ends.w.Close()
		if got, err := io.ReadAll(ends.r); err != nil || string(got) != name {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
	p.closeThere()
	if _, err := to.there.Stat(); err == nil {
		t.Error("the child's end is still open")
	}
}

func TestPipesCannotBeOpenedAgain(t *testing.T) {
	var p pipes
	from := p.from("answer")
	if p.err != nil {
		t.Fatal(p.err)
	}
	defer p.closeHere()
	defer p.closeThere()
	for _, end := range []*os.File{from.here, from.there} {
		f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", end.Fd()), os.O_WRONLY, 0)
		if !errors.Is(err, unix.ENXIO) {
			t.Errorf("opening an end again: %v, want ENXIO", err)
			f.Close()
		}
	}
}
