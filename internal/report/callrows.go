package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// slowCall is how long a call takes that a ladder shows at its beginning, too.
const slowCall = 10 * time.Millisecond

// callWords names the addresses of calls.
type callWords struct {
	hosts map[netip.Addr]string
	trace *trace.Trace
}

func newCallWords(t *trace.Trace) *callWords {
	w := &callWords{hosts: map[netip.Addr]string{}, trace: t}
	for host, addresses := range t.Addresses() {
		for _, a := range addresses {
			if !a.IsLoopback() && !a.IsLinkLocalUnicast() {
				w.hosts[a] = host
			}
		}
	}
	return w
}

// address names an address by its host, where it has one: "server:80".
func (w *callWords) address(text string) string {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return text
	}
	if host := w.hosts[a.Addr().Unmap()]; host != "" {
		return fmt.Sprintf("%s:%d", host, a.Port())
	}
	return text
}

// call returns a call with its arguments: "connect(server:80)", "recv(server:80, MSG_PEEK)". The names
// of the parts of send and recv that C libraries call are the short ones.
func (w *callWords) call(c *trace.Call) string {
	name := c.Name
	switch name {
	case "sendto", "recvfrom":
		if c.Address == "" || c.Proto == "tcp" {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "to"), "from")
		}
	case "accept4":
		name = "accept"
	}
	var args []string
	add := func(text string) {
		if text != "" {
			args = append(args, text)
		}
	}
	switch c.Name {
	case "socket":
		add(c.Proto)
	case "connect", "bind":
		add(w.address(c.Address))
		if c.Address == "" {
			add("no address")
		}
	case "accept", "accept4", "listen":
		add(w.address(c.Local))
		if c.Name == "listen" {
			add("backlog " + c.Value)
		}
	case "setsockopt", "getsockopt":
		add(w.address(c.Remote))
		add(c.Option)
		if c.Name == "setsockopt" {
			add(c.Value)
		}
	case "poll", "ppoll":
		add(c.Value)
	case "select", "pselect6":
		add(fileCount(c))
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
	default:
		peer := c.Remote
		if peer == "" || c.Proto == "udp" && c.Address != "" {
			peer = c.Address
		}
		add(w.address(peer))
		if c.Name == "shutdown" {
			add(c.Value)
		}
		add(strings.Join(slices.DeleteFunc(strings.Split(c.Flags, "|"),
			func(flag string) bool { return flag == "MSG_NOSIGNAL" }), "|"))
	}
	if c.Proto == "udp" && c.Name != "socket" {
		add("udp")
	}
	if c.Timeout != nil {
		add("timeout " + say.Duration(*c.Timeout))
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// outcome says what came of an attempt: "= ECONNREFUSED after 1.003s".
func (w *callWords) outcome(a *trace.Attempt) string {
	c := w.trace.Events[a.Call].Call
	took := a.Ended - c.Began
	after := ""
	if took >= time.Millisecond {
		after = " after " + say.Duration(took)
	}
	first := ""
	if a.Waited() {
		first = c.Errno + ", "
	}
	switch {
	case a.Unfinished && first == "":
		return "has not returned" + after
	case a.Unfinished:
		return "= " + first + "and nothing more" + after
	case a.Abandoned:
		return "= " + first + "closed" + after
	case first != "":
		return "= " + first + "then " + w.result(c, a) + after
	}
	return "= " + w.result(c, a) + after
}

func (w *callWords) result(c *trace.Call, a *trace.Attempt) string {
	switch {
	case a.Errno != "":
		return a.Errno
	case isTransfer(c.Name):
		if a.Result == 0 && isReceive(c.Name) && c.Proto == "tcp" && (c.Size == nil || *c.Size > 0) {
			return "0, the end"
		}
		if c.Name == "sendmmsg" || c.Name == "recvmmsg" {
			return say.Count(a.Result, "message")
		}
		return say.Count(a.Result, "byte")
	case c.Name == "accept" || c.Name == "accept4":
		if a.Then >= 0 {
			c = w.trace.Events[a.Then].Call
		}
		return w.address(c.Remote)
	case c.Name == "connect" && a.Then >= 0:
		return "connected"
	case waits(c.Name) && a.Result == 0:
		return "0, timed out"
	case c.Name == "getsockopt":
		return c.Value
	}
	return fmt.Sprint(a.Result)
}

// fileCount says how many files a call waits for.
func fileCount(c *trace.Call) string {
	if c.Size == nil {
		return ""
	}
	return say.Count(*c.Size, "file")
}

// waits reports whether a call waits for several files.
func waits(name string) bool {
	return slices.Contains([]string{
		"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	}, name)
}

func isReceive(name string) bool {
	return slices.Contains([]string{"recvfrom", "recvmsg", "read", "readv"}, name)
}

func isTransfer(name string) bool {
	return isReceive(name) || slices.Contains([]string{
		"sendto", "sendmsg", "write", "writev", "sendfile", "sendmmsg", "recvmmsg",
	}, name)
}

// mostTelling is the highest rank.
const mostTelling = 3

// rank says how much a call tells a reader: 0 is nothing, which a ladder leaves out.
func (w *callWords) rank(a *trace.Attempt) int {
	c := w.trace.Events[a.Call].Call
	took := a.Ended - c.Began
	switch {
	case waits(c.Name):
		// What is waited for shows in the calls after it, if it comes.
		if a.Errno == "" && !a.Unfinished && a.Result == 0 {
			return 1
		}
		return 0
	case c.Name == "socket" || c.Name == "setsockopt" || c.Name == "bind" || c.Name == "listen":
		if a.Errno != "" {
			return 2
		}
		return 0
	case c.Name == "getsockopt":
		if c.Value != "" && c.Value != "0" {
			return 2
		}
		return 0
	case c.Proto == "udp" && (c.Name == "connect" || c.Name == "close"):
		if a.Errno != "" && a.Errno != "EADDRNOTAVAIL" {
			return 2
		}
		return 0 // resolvers do it to learn their address
	case c.Name == "close" && c.Remote == "":
		return 0
	case a.Unfinished && a.Errno == "EAGAIN", a.Abandoned && a.Errno == "EAGAIN":
		if c.Name == "accept" || c.Name == "accept4" {
			return 0 // a server that waits for more
		}
		return 1
	case a.Unfinished, a.Errno != "", took >= slowCall:
		return mostTelling
	case !isTransfer(c.Name), isReceive(c.Name) && a.Result == 0:
		return 2
	}
	return 1
}

// callRows has rows for the calls of the programs of a run, of most at most: those that say most, and
// of the others the first. A call that took long has one at its beginning, too.
func callRows(s *language.Scenario, t *trace.Trace, most int) []row {
	if most == 0 {
		return nil
	}
	w := newCallWords(t)
	all := t.Attempts()
	told := map[int]bool{} // the calls of which the row of another says what they did
	for i := range all {
		told[all[i].Then] = all[i].Abandoned
	}
	var shown []trace.Attempt
	for i := range all {
		if w.rank(&all[i]) > 0 && !told[all[i].Call] {
			shown = append(shown, all[i])
		}
	}
	kept := w.keep(shown, most)
	var rows []row
	gone := 0
	for i := range shown {
		a := &shown[i]
		if !kept[i] {
			gone++
			continue
		}
		c := t.Events[a.Call].Call
		text := actorPrefix(s, c.Actor) + c.Step + ": " + w.call(c)
		r := row{at: a.Ended, host: c.Host, text: text, end: " " + w.outcome(a), call: true}
		if a.Ended-c.Began >= slowCall && !waits(c.Name) {
			rows = append(rows, row{at: c.Began, host: c.Host, text: text, end: " ...", call: true})
		}
		rows = append(rows, r)
	}
	if gone > 0 {
		_, at := t.End()
		rows = append(rows, row{
			at: at, style: dim, text: say.Count(gone, "more call") + " of programs: see halfopen inspect",
		})
	}
	return append(rows, leftRows(s, t)...)
}

// keep picks the attempts to be shown, of most at most.
func (w *callWords) keep(shown []trace.Attempt, most int) map[int]bool {
	kept := map[int]bool{}
	for rank := mostTelling; rank > 0; rank-- {
		for i := range shown {
			if w.rank(&shown[i]) == rank && len(kept) < most {
				kept[i] = true
			}
		}
	}
	return kept
}

// leftRows says which programs made more calls than the trace has.
func leftRows(s *language.Scenario, t *trace.Trace) []row {
	var rows []row
	index := map[string]int{}
	counts := map[string]uint64{}
	for i := range t.Events {
		l := t.Events[i].CallsLeft
		if l == nil {
			continue
		}
		name := programName(&trace.Program{Actor: l.Actor, Step: l.Step, N: l.N})
		if _, ok := index[name]; !ok {
			index[name] = len(rows)
			rows = append(rows, row{at: t.Events[i].T, host: l.Host, style: dim, call: true})
		}
		counts[name] += l.Count
		rows[index[name]].text = fmt.Sprintf("%s: %s, not in the trace", name,
			say.Count(counts[name], "more call"))
	}
	return rows
}
