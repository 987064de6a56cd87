package harness

import (
	"fmt"
	"os"
)

// pipe is a pipe between this process and a child: one end stays here, the other goes there.
type pipe struct {
	here, there *os.File
}

// pipes are all pipes to a child that is about to be started. After the first error, which is kept,
// no more pipes are made. The zero value is ready to use.
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

// closeThere closes the child's ends. Call it after the start of the child, even if that failed: a
// pipe ends only when every holder of its other end has closed it.
func (p *pipes) closeThere() {
	for _, e := range p.made {
		e.there.Close()
	}
}

// closeHere closes the ends of this process, except those closed before.
func (p *pipes) closeHere() {
	for _, e := range p.made {
		e.here.Close()
	}
}
