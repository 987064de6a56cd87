package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// stream measures a stream of TCP through the wire, with a queue there that selects nothing and without one, in turn.
func (b *bench) stream() error {
	b.head(fmt.Sprintf("one stream of TCP through the wire, without and with a queue that selects nothing, %d of each in turn", b.repeat))
	for _, way := range []struct {
		name     string
		offloads bool
		bytes    int64
	}{{"offloads on", true, 4 << 30}, {"offloads off", false, 32 << 20}} {
		var rates [2][]float64
		overflowed := false
		for range b.repeat {
			for i, name := range []string{"plain", "queued"} {
				rate, over, err := b.streamRun(name, way.offloads, way.bytes)
				if err != nil {
					return err
				}
				rates[i], overflowed = append(rates[i], rate), overflowed || over
			}
		}
		plain, queued := middle(rates[0]), middle(rates[1])
		b.plain(way.name+": without a queue, median", fmt.Sprintf("%.0f Mbit/s", plain))
		b.plain(way.name+": through the queue, median", fmt.Sprintf("%.0f Mbit/s", queued))
		ratio := fmt.Sprintf("%.0f %%", 100*queued/plain)
		if way.offloads {
			b.figure(way.name+": ratio", ratio, ">= 70 %", queued >= 0.7*plain)
		} else {
			b.plain(way.name+": ratio", ratio)
		}
		b.figure(way.name+": the queue overflowed", yesNo(overflowed), "no", !overflowed)
	}
	return nil
}

// streamRun returns the rate of one stream in Mbit/s, and whether the queue overflowed. The kernel counts nothing in
// /proc/net/netfilter/nfnetlink_queue for a queue that fails open, as halfopen's do: it lets the packet pass, and tells
// the queue's owner by ENOBUFS, of which the trace has a note.
func (b *bench) streamRun(name string, offloads bool, bytes int64) (rate float64, overflowed bool, err error) {
	dir, err := os.MkdirTemp(b.dir, "stream-")
	if err != nil {
		return 0, false, err
	}
	defer os.RemoveAll(dir)
	// The run may fail as packets were too many for the capture; the stream itself is what counts here.
	_, runErr := timed(exec.Command(b.halfopen, "run", b.file("stream.yaml"), "--case", name, "--out", dir,
		"--set", fmt.Sprintf("offloads=%t", offloads), "--set", "program="+b.program, "--set", fmt.Sprintf("bytes=%d", bytes)))
	t, err := storedTrace(dir)
	if err != nil {
		return 0, false, errors.Join(runErr, err)
	}
	for i := range t.Events {
		if s := t.Events[i].Step; s != nil && s.Actor == "server" && s.Op == "exec" {
			rate, err = parseRate(s.Stdout, bytes)
		}
	}
	if err != nil || rate == 0 {
		return 0, false, errors.Join(errors.New("the stream did not arrive"), err, runErr)
	}
	return rate, overflow(t), nil
}

func overflow(t *trace.Trace) bool {
	for i := range t.Events {
		if n := t.Events[i].Note; n != nil && strings.Contains(n.Text, "overflowed") {
			return true
		}
	}
	return false
}

// parseRate reads what receive prints, and returns Mbit/s.
func parseRate(text string, want int64) (float64, error) {
	var got, nanoseconds int64
	if _, err := fmt.Sscanf(text, "%d bytes in %d ns", &got, &nanoseconds); err != nil {
		return 0, fmt.Errorf("reading %q: %w", text, err)
	}
	if got != want || nanoseconds <= 0 {
		return 0, fmt.Errorf("%d bytes in %d ns arrived, want %d bytes", got, nanoseconds, want)
	}
	return float64(got) * 8 / 1e6 / (float64(nanoseconds) / 1e9), nil
}

func middle(rates []float64) float64 {
	var ds []time.Duration
	for _, r := range rates {
		ds = append(ds, time.Duration(r*1e3))
	}
	return float64(median(ds)) / 1e3
}

const chunk = 256 << 10

// receive takes one stream at an address and prints how much came in what time, from the connection to its end.
func receive(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	began := time.Now()
	n, err := io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{c}, make([]byte, chunk))
	if err != nil {
		return err
	}
	fmt.Printf("%d bytes in %d ns\n", n, time.Since(began))
	return nil
}

// onlyReader and onlyWriter hide what io.Copy would use instead of the buffer it is given.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// send sends so many bytes to an address, where it waits for somebody to listen.
func send(address string, bytes int64) error {
	const patience, pause = 10 * time.Second, 5 * time.Millisecond
	var c net.Conn
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(pause) {
		if c, err = net.Dial("tcp", address); !errors.Is(err, unix.ECONNREFUSED) {
			break
		}
	}
	if err != nil {
		return err
	}
	buf := make([]byte, chunk)
	for bytes > 0 {
		n, err := c.Write(buf[:min(int64(len(buf)), bytes)])
		if err != nil {
			return errors.Join(err, c.Close())
		}
		bytes -= int64(n)
	}
	return c.Close()
}
