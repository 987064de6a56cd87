package trace

import (
	"cmp"
	"slices"
	"time"
)

// Attempt is what a program wanted of a socket: a call, and if the kernel could not do it at once, the
// later call that showed what came of it. A socket that does not block refuses connect with EINPROGRESS,
// and SO_ERROR says later whether it is connected; it refuses recv with EAGAIN until something is there.
type Attempt struct {
	// Call is the index of the call in the trace. Then is that of the later one, or of the close that
	// ended the wait; -1 if there is none.
	Call, Then int
	// Ended is when the call ended, or the later one.
	Ended time.Duration
	// Result and Errno are what came of it, as in [Call]. Abandoned says that the socket was closed before
	// that was known, Unfinished that the run ended before; Errno is then that of the first call.
	Result                int64
	Errno                 string
	Abandoned, Unfinished bool
}

// Waited reports whether the call could not be done at once, and the program came back to it.
func (a *Attempt) Waited() bool { return a.Then >= 0 || a.Unfinished && a.Errno != "" }

// atOnce is how long a call that does not block may take. One that took longer waited in the kernel,
// and an EAGAIN is then a timeout (SO_RCVTIMEO).
const atOnce = 10 * time.Millisecond

// Attempts returns the attempts of all programs, in the order in which they began. The calls that end
// others are not listed again.
func (t *Trace) Attempts() []Attempt {
	type file struct {
		actor, step string
		n, pid, fd  int
	}
	var all []Attempt
	waiting := map[file]map[string]int{} // by the name of the call, the index in all
	for i := range t.Events {
		c := t.Events[i].Call
		if c == nil {
			continue
		}
		a := Attempt{
			Call: i, Then: -1, Ended: t.Events[i].T, Result: c.Result, Errno: c.Errno,
			Unfinished: c.Unfinished,
		}
		if c.FD == nil {
			all = append(all, a)
			continue
		}
		f := file{c.Actor, c.Step, c.N, c.PID, *c.FD}
		name := c.Name
		if name == "getsockopt" {
			name = "connect" // SO_ERROR says what came of it
		}
		first, was := waiting[f][name]
		refused := a.refused(c)
		switch {
		case c.Name == "close":
			for _, first := range waiting[f] {
				all[first].Then, all[first].Ended, all[first].Abandoned = i, t.Events[i].T, true
			}
			delete(waiting, f)
		case was && refused:
			continue // it still waits
		case was:
			all[first].end(i, &t.Events[i])
			delete(waiting[f], name)
			continue
		case refused && c.Name != "getsockopt":
			if waiting[f] == nil {
				waiting[f] = map[string]int{}
			}
			waiting[f][name] = len(all)
		}
		all = append(all, a)
	}
	_, end := t.End()
	for _, of := range waiting {
		for _, first := range of {
			all[first].Unfinished, all[first].Ended = true, max(end, all[first].Ended)
		}
	}
	slices.SortStableFunc(all, func(a, b Attempt) int {
		return cmp.Compare(t.Events[a.Call].Call.Began, t.Events[b.Call].Call.Began)
	})
	return all
}

// refused reports whether the kernel could not do the call at once.
func (a *Attempt) refused(c *Call) bool {
	switch {
	case c.Unfinished:
		return false
	case c.Name == "connect":
		return c.Errno == "EINPROGRESS" || c.Errno == "EALREADY"
	}
	return c.Errno == "EAGAIN" && a.Ended-c.Began < atOnce
}

// end ends an attempt by the call that shows what came of it.
func (a *Attempt) end(i int, e *Entry) {
	c := e.Call
	a.Then, a.Ended, a.Result, a.Errno, a.Unfinished = i, e.T, c.Result, c.Errno, c.Unfinished
	switch {
	case c.Name == "getsockopt" && c.Errno == "" && c.Value != "" && c.Value != "0":
		a.Result, a.Errno = -1, c.Value
	case c.Name == "connect" && c.Errno == "EISCONN":
		a.Result, a.Errno = 0, ""
	}
}
