package strace

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"halfopen/harness/internal/tracepoint"
)

// size returns an argument that counts bytes; -1 is unknown.
func size(c *spoken, i int) int64 {
	if n, ok := integer[int64](c.arg(i)); ok {
		return n
	}
	return -1
}

// milliseconds returns a timeout; -1 is none.
func milliseconds(c *spoken, i int) time.Duration {
	n, ok := integer[int64](c.arg(i))
	if !ok || n < 0 || n > 1<<31 {
		return -1
	}
	return time.Duration(n) * time.Millisecond
}

// value returns the bytes of an option's value: "[4000]", "{l_onoff=1, l_linger=5}", "\x01..." or
// "{tv_sec=1, tv_usec=0}".
func value(text string) []byte {
	if b := bytesOf(text); b != nil {
		return b
	}
	var b []byte
	for _, e := range elements(text) {
		name, number, ok := strings.Cut(e, "=")
		if !ok {
			name, number = "", e
		}
		n, ok := integer[int64](number)
		switch {
		case !ok:
			return nil
		case strings.HasPrefix(name, "tv_"):
			b = binary.NativeEndian.AppendUint64(b, uint64(n))
		default:
			b = binary.NativeEndian.AppendUint32(b, uint32(n))
		}
	}
	return b[:min(len(b), 32)]
}

// polled returns the first files of a poll, and the events that came.
func polled(c *spoken) []tracepoint.Polled {
	const most = 4
	var files []tracepoint.Polled
	list := elements(c.arg(0))
	for _, e := range list[:min(len(list), most)] {
		d, ok := parseDescriptor(field(e, "fd"))
		events, _ := number(field(e, "events"))
		if !ok {
			break
		}
		files = append(files, tracepoint.Polled{FD: d.fd, Events: uint16(events)})
	}
	came, _ := strings.CutPrefix(c.after, "(")
	for _, e := range elements(came) {
		d, _ := parseDescriptor(field(e, "fd"))
		revents, _ := number(field(e, "revents"))
		if i := slices.IndexFunc(files, func(f tracepoint.Polled) bool { return f.FD == d.fd }); i >= 0 {
			files[i].Revents = uint16(revents)
		}
	}
	return files
}
