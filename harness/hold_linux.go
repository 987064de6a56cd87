package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/internal/codec"
	"halfopen/internal/hand"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// hold keeps the lab as it is until it is released, or canceled. It returns why the run ends: for the
// reason given, or because it was canceled.
func (l *lab) hold(reason trace.EndReason) trace.EndReason {
	defer l.doing(l.doing("being held"))
	l.held = true
	l.out.Send(message{Held: true})
	poll := time.NewTicker(pollHits)
	defer poll.Stop()
	for {
		var err error
		select {
		case f := <-l.inbox:
			err = f()
		case <-poll.C:
			err = l.countHits()
		case <-l.released:
			return reason
		case <-l.canceled:
			return trace.EndCanceled
		}
		// People may take away rules.
		if err != nil {
			l.now(trace.Event{Note: &trace.Note{Text: err.Error()}})
		}
	}
}

// admit has a request answered on the lab's goroutine, and closes its files, of which the first is the
// connection to the client.
func (l *lab) admit(text []byte, files []*os.File) {
	if len(files) == 0 {
		return // the files were not sent: there is nobody to answer
	}
	done := make(chan struct{})
	request := func() error {
		defer close(done)
		var r hand.Request
		err := json.Unmarshal(text, &r)
		if err == nil {
			err = l.visit(&r, files)
		}
		if err != nil {
			refuse(files[0], err)
		}
		return nil
	}
	select {
	case l.inbox <- request:
		select {
		case <-done:
		case <-l.canceled:
		}
	case <-l.canceled:
	}
	hand.CloseAll(files)
}

// refuse answers a client that its request failed.
func refuse(client *os.File, err error) {
	status := 0
	var wrong *mistake
	if errors.As(err, &wrong) {
		status = 2
	}
	conn, connErr := hand.NewConn(client)
	if connErr != nil {
		return
	}
	defer conn.Close()
	_ = conn.Send(hand.Reply{Error: err.Error(), Status: status}) // the client may be gone
}

// mistake is an error for a request that is wrong.
type mistake struct{ text string }

func (e *mistake) Error() string { return e.text }

// visit answers a request, or has another process answer it.
func (l *lab) visit(r *hand.Request, files []*os.File) error {
	if r.Op != hand.OpEnter {
		return &mistake{fmt.Sprintf("this lab knows no request %q", r.Op)}
	}
	host := l.net.Host(r.Host)
	if host == nil {
		var names []string
		for _, h := range l.net.Topology().Hosts {
			names = append(names, h.Name)
		}
		return &mistake{fmt.Sprintf("no host %q%s; there are %s", r.Host,
			spell.DidYouMean(r.Host, names), say.List(names))}
	}
	if l.root == nil {
		if err := l.makeRoot(); err != nil {
			return err
		}
	}
	var p pipes
	order := p.to("visit")
	if p.err != nil {
		return p.err
	}
	defer p.closeHere()
	defer p.closeThere()
	_, err := l.reaper.Spawn(func() (*sandbox.Process, error) {
		return sandbox.Spawn(titled(roleVisit, "by hand on "+r.Host), actor.Environment(os.Environ()), host.FD(), os.Stderr,
			append([]*os.File{order.there, files[0], l.root}, files[1:]...)...)
	}, func(syscall.WaitStatus) {})
	if err != nil {
		return err
	}
	return codec.NewEncoder(order.here).Encode(&actor.Visit{Request: *r, Dir: l.programDir()})
}
