package hand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// AwaitEnter waits until Enter, or the end of the input, is typed on the terminal of this process, or
// the context is canceled. What was typed before does not count.
func AwaitEnter(ctx context.Context) error {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("waiting for Enter: %w", err)
	}
	defer tty.Close()
	conn, err := tty.SyscallConn()
	if err == nil {
		var failed error
		err = conn.Control(func(fd uintptr) {
			failed = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIFLUSH)
		})
		err = cmp.Or(err, failed)
	}
	if err != nil {
		return fmt.Errorf("forgetting what was typed before: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) })()
	// A terminal gives a line at a time.
	_, err = tty.Read(make([]byte, 4096))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
