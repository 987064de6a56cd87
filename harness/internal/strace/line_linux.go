package strace

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// line is a line of strace: "TID SECONDS TEXT".
type line struct {
	tid int
	// at is when it began, since the epoch.
	at   time.Duration
	text string
}

func parseLine(text string) (l line, ok bool) {
	tid, rest, ok1 := strings.Cut(text, " ")
	at, text, ok2 := strings.Cut(strings.TrimLeft(rest, " "), " ")
	l.text = text
	var ok3, ok4 bool
	l.tid, ok3 = integer[int](tid)
	l.at, ok4 = seconds(at)
	return l, ok1 && ok2 && ok3 && ok4 && l.tid > 0
}

// seconds parses seconds with their fraction: "1796040525.559858976".
func seconds(text string) (time.Duration, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s < 0 || s > math.MaxInt64/int64(time.Second)-1 || len(fraction) > 9 {
		return 0, false
	}
	ns, err := strconv.ParseUint(fraction+strings.Repeat("0", 9-len(fraction)), 10, 64)
	return time.Duration(s)*time.Second + time.Duration(ns), err == nil
}

// spoken is a call as strace prints it.
type spoken struct {
	name string
	args []string
	// returned is false if the call has no result: it is in progress, or its process has ended.
	returned bool
	result   int64
	err      syscall.Errno
	// resultText is the result, which may be a descriptor with what it stands for; after is all that
	// follows it.
	resultText, after string
	took              time.Duration
}

// arg returns an argument; "" if it is not there.
func (c *spoken) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

// number returns an argument that is a number, or numbers joined by |; 0 if it is none.
func (c *spoken) number(i int) int64 {
	n, _ := number(c.arg(i))
	return n
}

// parseCall parses "name(args) = result <seconds>", or the beginning of that.
func parseCall(text string) (c spoken, ok bool) {
	c.name, text, ok = strings.Cut(text, "(")
	if !ok || c.name == "" {
		return c, false
	}
	c.args, text = split(text)
	rest, ok := strings.CutPrefix(text, ")")
	if !ok {
		return c, text == ""
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "= ")
	if !ok {
		return c, false
	}
	if i := strings.LastIndex(rest, " <"); i >= 0 && strings.HasSuffix(rest, ">") {
		if c.took, ok = seconds(rest[i+2 : len(rest)-1]); ok {
			rest = rest[:i]
		}
	}
	c.resultText, c.after, _ = strings.Cut(rest, " ")
	name, _, _ := strings.Cut(c.after, " ")
	switch {
	case c.resultText == "?" && strings.HasPrefix(name, "ERESTART"):
		c.returned, c.result, c.err = true, -1, unix.EINTR
	case c.resultText == "?":
	case c.resultText == "-1":
		c.returned, c.result = true, -1
		c.err, ok = errnos[name]
		return c, ok
	default:
		number, _, _ := strings.Cut(c.resultText, "<")
		c.result, ok = integer[int64](number)
		c.returned = true
		return c, ok
	}
	return c, true
}

// split returns the values of a list up to the bracket that ends it, and the rest from there. What strace
// prints in <> has its brackets in pairs.
func split(text string) (values []string, rest string) {
	depth, quoted, from := 0, false, 0
	add := func(to int) {
		if value := strings.TrimSpace(text[from:to]); value != "" {
			values = append(values, value)
		}
	}
	for i := range len(text) {
		b := text[i]
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("([{", b) >= 0:
			depth++
		case strings.IndexByte(")]}", b) >= 0 && depth == 0:
			add(i)
			return values, text[i:]
		case strings.IndexByte(")]}", b) >= 0:
			depth--
		case b == ',' && depth == 0:
			add(i)
			from = i + 1
		}
	}
	add(len(text))
	return values, ""
}

// elements returns the values of "[...]" or "{...}"; none if the text is not such a list.
func elements(text string) []string {
	if text == "" || strings.IndexByte("[{", text[0]) < 0 {
		return nil
	}
	values, _ := split(text[1:])
	return values
}

// field returns the value of a field of a struct "{name=value, ...}"; "" if it has none.
func field(structure, name string) string {
	for _, e := range elements(structure) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

func integer[T int | int64](text string) (T, bool) {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		u, err := strconv.ParseUint(text, 0, 64) // 0xffffffffffffffff is -1
		return T(u), err == nil
	}
	return T(n), true
}

// number parses "0x1|0x80000".
func number(text string) (int64, bool) {
	var all int64
	for part := range strings.SplitSeq(text, "|") {
		n, ok := integer[int64](part)
		if !ok {
			return 0, false
		}
		all |= n
	}
	return all, true
}

// bytesOf returns the bytes of a string "\x68\x65", which may be followed by "...".
func bytesOf(text string) []byte {
	text, ok := strings.CutPrefix(text, `"`)
	if !ok {
		return nil
	}
	text, _, _ = strings.Cut(text, `"`)
	b, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		return nil
	}
	return b
}

// sockaddr parses a struct sockaddr of IP.
func sockaddr(text string) netip.AddrPort {
	for _, family := range []string{"sin", "sin6"} {
		port := bytesOf(field(text, family+"_port"))
		addr, ok := netip.AddrFromSlice(bytesOf(field(text, family+"_addr")))
		if ok && len(port) == 2 {
			return netip.AddrPortFrom(addr.Unmap(), uint16(port[0])<<8|uint16(port[1]))
		}
	}
	return netip.AddrPort{}
}

// span parses a struct timespec or timeval; -1 is none.
func span(text string) time.Duration {
	s, ok := integer[int64](field(text, "tv_sec"))
	if !ok || s < 0 || s > math.MaxInt64/int64(time.Second)-1 {
		return -1
	}
	ns, _ := integer[int64](field(text, "tv_nsec"))
	us, _ := integer[int64](field(text, "tv_usec"))
	const second = int64(time.Second)
	return time.Duration(s*second + max(0, min(ns, second)) + 1000*max(0, min(us, second/1000)))
}

// errnos are the errors by their names.
var errnos = func() map[string]syscall.Errno {
	const last = 133 // EHWPOISON
	all := map[string]syscall.Errno{
		"EOPNOTSUPP": unix.EOPNOTSUPP, "EWOULDBLOCK": unix.EAGAIN, "EDEADLOCK": unix.EDEADLOCK,
	}
	for n := syscall.Errno(1); n <= last; n++ {
		if name := unix.ErrnoName(n); name != "" {
			all[name] = n
		}
	}
	return all
}()
