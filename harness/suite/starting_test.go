package suite

import (
	"context"
	"testing"
	"time"
)

func TestLabsStartSomeAtATime(t *testing.T) {
	s := make(starting, 2)
	first := s.begin(t.Context())
	s.begin(t.Context())
	third := make(chan struct{})
	go func() {
		s.begin(t.Context())
		close(third)
	}()
	select {
	case <-third:
		t.Fatal("three labs start at once in two places")
	case <-time.After(20 * time.Millisecond): // on a stalled machine the test can only pass wrongly
	}
	first()
	first() // a lab that has started ends: that frees no other place
	<-third
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.begin(ctx)() // returns, and frees no place that it did not get
	if len(s) != 2 {
		t.Errorf("%d places are taken, want 2", len(s))
	}
}
