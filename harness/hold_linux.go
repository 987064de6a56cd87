package harness

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject/network"
	"halfopen/internal/codec"
	"halfopen/internal/hand"
	"halfopen/internal/say"
	"halfopen/internal/spell"
	"halfopen/internal/version"
)

// hold keeps the lab as it is until it is released, or canceled. It returns why the run ends: for the
// reason given, or because it was canceled.
func (l *lab) hold(reason trace.EndReason) trace.EndReason {
	defer l.doing(l.doing("being held"))
	l.held = true
	l.out.Send(message{Held: true})
	poll := time.NewTicker(pollHits)
	defer poll.Stop()
	noted := ""
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
		// People may take away rules. Counting hits fails each time then.
		if err != nil && err.Error() != noted {
			noted = err.Error()
			l.now(trace.Event{Note: &trace.Note{Text: noted}})
		}
	}
}

// answerOn goes on to answer requests after the end of the run, until the lab is let go.
func (l *lab) answerOn() {
	for {
		select {
		case f := <-l.inbox:
			_ = f() // it is not part of the run any more
		case <-l.canceled:
			return
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
		var reply *hand.Reply
		err := json.Unmarshal(text, &r)
		if err == nil {
			reply, err = l.answer(&r, files)
		}
		if err != nil {
			reply = refusal(err)
		}
		if reply != nil {
			send(files[0], reply)
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

// send answers a client, and closes its connection. The client may be gone.
func send(client *os.File, reply *hand.Reply) {
	if conn, err := hand.NewConn(client); err == nil {
		_ = conn.Send(reply)
		_ = conn.Close()
	}
}

// refusal is the answer to a request that failed.
func refusal(err error) *hand.Reply {
	reply := &hand.Reply{Error: err.Error()}
	var wrong *mistake
	if errors.As(err, &wrong) {
		reply.Status = 2
	}
	return reply
}

// mistake is an error for a request that is wrong.
type mistake struct{ text string }

func (e *mistake) Error() string { return e.text }

// requests are what a lab can be asked for. Without a reply, another process answers the client.
var requests = map[hand.Op]func(*lab, *hand.Request, []*os.File) (*hand.Reply, error){
	hand.OpEnter:   (*lab).visit,
	hand.OpFaults:  (*lab).faultsByHand,
	hand.OpSwitch:  (*lab).switchByHand,
	hand.OpAdd:     (*lab).addByHand,
	hand.OpSockets: (*lab).lendSockets,
}

func (l *lab) answer(r *hand.Request, files []*os.File) (*hand.Reply, error) {
	do := requests[r.Op]
	if do == nil {
		return nil, &mistake{fmt.Sprintf("this lab, of halfopen %s, knows no request %q", version.String(), r.Op)}
	}
	return do(l, r, files)
}

// hostByHand returns the host of a request.
func (l *lab) hostByHand(name string) (*network.Namespace, error) {
	if host := l.net.Host(name); host != nil {
		return host, nil
	}
	var names []string
	for _, h := range l.net.Topology().Hosts {
		names = append(names, h.Name)
	}
	return nil, &mistake{fmt.Sprintf("no host %q%s; known here: %s", name,
		spell.DidYouMean(name, names), say.List(names))}
}

// visit has another process run a command on a host.
func (l *lab) visit(r *hand.Request, files []*os.File) (*hand.Reply, error) {
	host, err := l.hostByHand(r.Host)
	if err != nil {
		return nil, err
	}
	command := cmp.Or(say.Printable(say.Clip(strings.Join(r.Command, " "))), "a shell")
	switch {
	case r.By != "":
		l.now(trace.Event{Note: &trace.Note{Text: fmt.Sprintf("%s runs %s on %s, by hand", r.By, command, r.Host)}})
	case l.Hold == HoldDuring: // whoever holds the lab
		l.now(trace.Event{Note: &trace.Note{Text: fmt.Sprintf("%s runs on %s, for the holder of the lab", command, r.Host)}})
	}
	if l.root == nil {
		if err := l.makeRoot(); err != nil {
			return nil, err
		}
	}
	var p pipes
	order := p.to("visit")
	if p.err != nil {
		return nil, p.err
	}
	defer p.closeHere()
	_, err = l.reaper.Spawn(func() (*sandbox.Process, error) {
		return sandbox.Spawn(titled(roleVisit, "by hand on "+r.Host), actor.Environment(os.Environ()), host.FD(), os.Stderr,
			append([]*os.File{order.there, files[0], l.root}, files[1:]...)...)
	}, func(syscall.WaitStatus) {})
	p.closeThere() // if the process has ended, the order fails
	if err != nil {
		return nil, err
	}
	return nil, codec.NewEncoder(order.here).Encode(&actor.Visit{Request: *r, Dir: l.programDir()})
}
