package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// sameSignal is how long after the first signal another one is taken for the same: timeout(1) and
// others send it to the process and, at once, to its group.
const sameSignal = 500 * time.Millisecond

// lastWords is how long the line about the second signal may take.
const lastWords = 100 * time.Millisecond

// ending is what a command says when it is interrupted: first after the first signal, second just
// before the second ends the process.
type ending struct{ first, second func() }

// interruptible returns a context that the first SIGINT or SIGTERM cancels. The second ends the
// process, and every lab, because labs die with their parent. Only commands that have something to put
// in order use it; elsewhere the first has that effect. The returned function must be called.
func interruptible(ctx context.Context, e ending) (context.Context, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := interruptedBy(ctx, signals, e, endBy)
	return ctx, func() {
		signal.Stop(signals)
		stop()
	}
}

// interruptedBy is interruptible with signals that come from a channel, and a function that ends the
// process.
func interruptedBy(
	ctx context.Context, signals <-chan os.Signal, e ending, end func(os.Signal),
) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		cancel()
		// Nobody may read the output any more, and the second signal must have its effect then, too.
		all.Go(e.first)
		same := time.Now().Add(sameSignal)
		for {
			select {
			case s := <-signals:
				if time.Now().Before(same) {
					continue
				}
				said := make(chan struct{})
				all.Go(func() {
					defer close(said)
					e.second()
				})
				select {
				case <-said:
				case <-time.After(lastWords):
				}
				end(s)
				return
			case <-done:
				return
			}
		}
	})
	return ctx, func() {
		close(done)
		all.Wait()
		cancel()
	}
}

// endBy ends the process by a signal, as if it had not been handled: whoever waits for the process
// sees that.
func endBy(s os.Signal) {
	signal.Reset(s)
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(s) == nil {
		<-time.After(time.Second) // the signal may come a moment later, or be ignored
	}
	os.Exit(statusCanceled) // a system without such signals
}
