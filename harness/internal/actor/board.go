package actor

import (
	"sync"
	"time"

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
	// at is when it happened, or when the harness sent word of it. It is set before done is closed.
	at   time.Duration
	done chan struct{}
}

func newBoard(steps []language.Step) *board {
	b := &board{posts: make(map[language.EventRef]*post)}
	for _, ref := range language.EventRefs(steps) {
		b.posts[ref.Canonical()] = &post{done: make(chan struct{})}
	}
	return b
}

// pin records that an event, in canonical form, has happened.
func (b *board) pin(event language.EventRef, at time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.posts[event]; p != nil && !p.happened {
		p.happened, p.at = true, at
		close(p.done)
	}
}

// seen returns a channel that is closed once the event has happened. The event must be one that a
// step waits for.
func (b *board) seen(ref language.EventRef) <-chan struct{} {
	return b.posts[ref.Canonical()].done
}

// late returns how late, at a time, an event is known that has happened, to a thread that waits since
// another time.
func (b *board) late(ref language.EventRef, since, at time.Duration) time.Duration {
	p := b.posts[ref.Canonical()]
	if p.at == 0 {
		return 0 // not known
	}
	return at - max(p.at, since)
}
