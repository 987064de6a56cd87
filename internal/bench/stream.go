package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"halfopen/harness/trace"
)

// stream measures a TCP stream through the wire, in turn without a queue and with a queue that
// selects none of its packets.
func (b *bench) stream() error {
	b.head(fmt.Sprintf("one stream of TCP through the wire, without and with a queue "+
		"that selects nothing, %d of each in turn", b.repeat))
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

// streamRun returns the rate of one stream in Mbit/s, and whether the queue overflowed. For a queue
// that fails open, as halfopen's do, the kernel counts nothing in
// /proc/net/netfilter/nfnetlink_queue: it lets the packet pass and reports ENOBUFS to the owner of
// the queue, which adds a note to the trace.
func (b *bench) streamRun(
	name string, offloads bool, bytes int64, flags ...string,
) (rate float64, overflowed bool, err error) {
	dir, err := os.MkdirTemp(b.dir, "stream-")
	if err != nil {
		return 0, false, err
	}
	defer os.RemoveAll(dir)
	// The run may fail because there were too many packets for the capture. Only the stream counts
	// here.
	args := append([]string{
		"run", b.file("stream.yaml"), "--case", name,
		"--out", dir, "--set", fmt.Sprintf("offloads=%t", offloads), "--set", "program=" + b.program,
		"--set", fmt.Sprintf("bytes=%d", bytes),
	}, flags...)
	_, runErr := timed(exec.Command(b.halfopen, args...))
	t, err := storedTrace(dir)
	if err != nil {
		return 0, false, errors.Join(runErr, err)
	}
	for i := range t.Events {
		if s := t.Events[i].Step; s != nil && s.Actor == "server" && s.Op == "exec" {
			rate, err = parseRate(string(s.Stdout), bytes)
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

// parseRate returns the rate in Mbit/s from the output of receive.
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

// receive accepts one stream at an address and prints its bytes and the time from the connection to
// the end.
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

// onlyReader and onlyWriter hide the methods that io.Copy would use instead of the given buffer.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// send sends the given number of bytes to an address. It waits until somebody listens there.
func send(address string, bytes int64) error {
	const patience, pause = 10 * time.Second, 5 * time.Millisecond
	var c net.Conn
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(pause) {
		if c, err = net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
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
