package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"halfopen/harness/sandbox"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Options are what a run may be given besides its scenario. The zero value is good.
type Options struct {
	// Seed feeds everything random in the run.
	Seed uint64
	// Version of the program, for the trace.
	Version string
	// Emit, if not nil, is called with each event as it arrives, one at a time. Packets and sockets arrive a little late
	// and out of order; the trace that Run returns is sorted.
	Emit func(trace.Event)
}

// grace is how long a canceled lab has to write its last events.
const grace = 2 * time.Second

// Run makes a scenario's lab, runs its actors to their end or to its deadline, and returns the trace. The lab is gone when
// Run returns. A canceled context ends the run early: the trace then ends with the reason "canceled", and the error is the
// context's. An error that is a *kernel.MissingError says what this machine lacks.
func Run(ctx context.Context, s *language.Scenario, o Options) (*trace.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	controlR, controlW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the lab's control pipe: %w", err)
	}
	defer controlW.Close()
	eventsR, eventsW, err := os.Pipe()
	if err != nil {
		controlR.Close()
		return nil, fmt.Errorf("making the lab's event pipe: %w", err)
	}
	defer eventsR.Close()
	stderrR, stderrW, err := os.Pipe()
	if err != nil {
		controlR.Close()
		eventsW.Close()
		return nil, fmt.Errorf("making the lab's error pipe: %w", err)
	}
	defer stderrR.Close()

	clock := trace.NewClock()
	lab, err := sandbox.Start(roleLab, stderrW, controlR, eventsW)
	controlR.Close()
	eventsW.Close()
	stderrW.Close()
	if err != nil {
		return nil, err
	}
	complaints := make(chan string, 1)
	go func() { complaints <- tail(stderrR) }()

	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			// The lab takes the end of its control pipe as the order to stop; a lab that does not is stopped.
			controlW.Close()
			select {
			case <-ended:
			case <-time.After(grace):
				_ = lab.Signal(syscall.SIGKILL) // it is PID 1 of the sandbox: nothing else could go wrong
			}
		}
	}()

	t := &trace.Trace{}
	err = json.NewEncoder(controlW).Encode(job{Scenario: s, Clock: clock, Seed: o.Seed, Version: o.Version})
	if err == nil || errors.Is(err, syscall.EPIPE) {
		err = collect(eventsR, t, o.Emit)
	}
	if err != nil {
		_ = lab.Signal(syscall.SIGKILL)
	}
	status, waitErr := lab.Wait()
	close(ended)
	words := <-complaints
	t.Sort()
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	if err != nil {
		return t, err
	}
	if waitErr != nil {
		return t, waitErr
	}
	if end, _ := t.End(); end == nil {
		return t, fmt.Errorf("the lab of %s died before its end (%s)%s", s.ID(), describe(status), words)
	}
	return t, nil
}

// collect reads the lab's messages to the end of the pipe.
func collect(r io.Reader, t *trace.Trace, emit func(trace.Event)) error {
	dec := json.NewDecoder(r)
	for {
		var m message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // a lab that died in mid-sentence has no end event, which Run notices
		case err != nil:
			return fmt.Errorf("reading the lab's events: %w", err)
		case m.Failure != nil:
			return m.Failure.error()
		case m.Event != nil:
			t.Add(*m.Event)
			if emit != nil {
				emit(*m.Event)
			}
		}
	}
}

// tail returns the last of what the lab said on its standard error: a panic's beginning and end tell most.
func tail(r io.Reader) string {
	const most = 4096
	var buf bytes.Buffer
	_, _ = io.Copy(&buf, io.LimitReader(r, 1<<20)) // whatever came is all there is
	_, _ = io.Copy(io.Discard, r)
	text := strings.TrimSpace(buf.String())
	if text == "" {
		return ""
	}
	if len(text) > most {
		text = text[:most] + "\n..."
	}
	return ":\n" + text
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "killed by " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
