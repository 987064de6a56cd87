package harness

import (
	"fmt"
	"os"
)

// pipe is a pipe between this process and a child: one end stays here, the other goes there.
type pipe struct {
	here, there *os.File
}

// pipes are all pipes to a child that is about to be started. The first error of making one is kept,
// and no more are made after it. The zero value has none.
type pipes struct {
	made []pipe
	err  error
}

// to makes a pipe that the child reads. name is for errors.
func (p *pipes) to(name string) pipe {
	return p.add(name, func(r, w *os.File) pipe { return pipe{here: w, there: r} })
}

// from makes a pipe that the child writes.
func (p *pipes) from(name string) pipe {
	return p.add(name, func(r, w *os.File) pipe { return pipe{here: r, there: w} })
}

func (p *pipes) add(name string, ends func(r, w *os.File) pipe) pipe {
	if p.err != nil {
		return pipe{}
	}
	r, w, err := os.Pipe()
	if err != nil {
		p.err = fmt.Errorf("making the %s pipe: %w", name, err)
		return pipe{}
	}
	made := ends(r, w)
	p.made = append(p.made, made)
	return made
}

// closeThere closes the child's ends, once it has been started or could not be: a pipe ends when the
// last holder of its other end is gone.
func (p *pipes) closeThere() {
	for _, e := range p.made {
		e.there.Close()
	}
}

// closeHere closes the ends of this process. Closing one of them before does no harm.
func (p *pipes) closeHere() {
	for _, e := range p.made {
		e.here.Close()
	}
}
