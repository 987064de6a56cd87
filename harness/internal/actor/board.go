package actor

import (
	"sync"

	"halfopen/scenarios/language"
)

// board remembers which of the events that its actor's steps wait for have happened. Other events
// are not stored: a run can have hundreds of thousands.
type board struct {
	mu    sync.Mutex
	posts map[language.EventRef]*post
}

type post struct {
	happened bool
	done     chan struct{}
}

func newBoard(steps []language.Step) *board {
	b := &board{posts: make(map[language.EventRef]*post)}
	for _, ref := range language.EventRefs(steps) {
		b.posts[ref.Canonical()] = &post{done: make(chan struct{})}
	}
	return b
}

// pin records that an event, in canonical form, has happened.
func (b *board) pin(event language.EventRef) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.posts[event]; p != nil && !p.happened {
		p.happened = true
		close(p.done)
	}
}

// seen returns a channel that is closed once the event has happened. The event must be one that a
// step waits for.
func (b *board) seen(ref language.EventRef) <-chan struct{} {
	return b.posts[ref.Canonical()].done
}
