package main

import (
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestInterrupts(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name string
		// at are the times of the signals.
		at []time.Duration
		// canceled is when the context is, ended when the process is; 0 for never.
		canceled, ended time.Duration
		says            string
	}{
		{name: "none"},
		{name: "one", at: []time.Duration{5 * ms}, canceled: 5 * ms, says: "first"},
		{
			name: "timeout sends it to the process and to its group",
			at:   []time.Duration{5 * ms, 5 * ms}, canceled: 5 * ms, says: "first",
		},
		{
			name: "a key that is held down", canceled: 5 * ms, ended: 525 * ms, says: "first second",
			at: []time.Duration{5 * ms, 265 * ms, 495 * ms, 525 * ms},
		},
		{
			name: "a second one", at: []time.Duration{5 * ms, 505 * ms}, canceled: 5 * ms,
			ended: 505 * ms, says: "first second",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var mu sync.Mutex
				var said []string
				say := func(line string) {
					mu.Lock()
					defer mu.Unlock()
					said = append(said, line)
				}
				var ended time.Duration
				signals := make(chan os.Signal, 1)
				ctx, stop := interruptedBy(t.Context(), signals, ending{
					first: func() { say("first") }, second: func() { say("second") },
				}, func(os.Signal) { ended = time.Since(began) })
				var canceled time.Duration
				if tt.canceled > 0 {
					go func() {
						<-ctx.Done()
						canceled = time.Since(began)
					}()
				}
				for _, at := range tt.at {
					time.Sleep(at - time.Since(began))
					signals <- syscall.SIGINT
					synctest.Wait()
				}
				if tt.canceled == 0 && ctx.Err() != nil {
					t.Error("the context is canceled")
				}
				stop()
				if canceled != tt.canceled || ended != tt.ended {
					t.Errorf("canceled after %v, want %v; ended after %v, want %v",
						canceled, tt.canceled, ended, tt.ended)
				}
				if !slices.Equal(said, strings.Fields(tt.says)) {
					t.Errorf("it says %q, want %q", said, tt.says)
				}
			})
		})
	}
}

// The second signal ends a process whose output nobody reads.
func TestTheSecondInterruptDoesNotWaitForTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, ended := make(chan struct{}), false
		signals := make(chan os.Signal, 1)
		_, stop := interruptedBy(t.Context(), signals,
			ending{func() { <-read }, func() { <-read }}, func(os.Signal) { ended = true })
		signals <- syscall.SIGINT
		time.Sleep(sameSignal)
		signals <- syscall.SIGINT
		time.Sleep(lastWords)
		synctest.Wait()
		if !ended {
			t.Error("the process goes on")
		}
		close(read)
		stop()
	})
}
