package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"halfopen/internal/codec"

	"halfopen/internal/pattern"

	"halfopen/harness/trace"
	"halfopen/inject"
)

// warpPatience is the real time that a guest in warped time may be silent.
const warpPatience = 3 * time.Minute

// Do boots a machine and does the tasks in it. In any case, it calls Ended of each task before it
// returns. The error is about the machine, not about single tasks. If this machine lacks something
// for it, the error is an *inject.MissingError.
func Do(ctx context.Context, tasks []Task, o Options) error {
	pending := make(map[int]*trace.Trace, len(tasks))
	for i := range tasks {
		pending[i] = &trace.Trace{}
	}
	err := do(ctx, tasks, pending, &o)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	for i := range tasks {
		if t := pending[i]; t != nil {
			reason := err
			if reason == nil {
				reason = errors.New("the virtual machine ended before this run")
			}
			tasks[i].Ended(t, reason)
		}
	}
	return err
}

func do(ctx context.Context, tasks []Task, pending map[int]*trace.Trace, o *Options) error {
	qemu, err := FindEmulator()
	if err != nil {
		return err
	}
	c, err := newCargo(tasks, o)
	if err != nil {
		return err
	}
	if o.Warp && c.rests {
		err := o.wake(ctx, qemu, c, tasks, pending)
		if !errors.Is(err, errNoSnapshot) {
			return err
		}
		if o.Warn != nil {
			o.Warn(err)
		}
	}
	archive := sync.OnceValues(func() ([]byte, error) {
		base, err := c.files.archive()
		if err != nil {
			return nil, err
		}
		return withFile(base, jobPath, c.job)
	})
	for _, with := range o.accelerators() {
		var up bool
		if up, err = o.boot(ctx, qemu, archive, with, tasks, pending); err == nil || up ||
			ctx.Err() != nil {
			return err
		}
		if with == kvm && o.Warn != nil {
			why := err
			if missing := (*inject.MissingError)(nil); errors.As(err, &missing) {
				why = missing.Err // its remedy, another kernel, would not help
			}
			o.Warn(fmt.Errorf("KVM is present but does not work: %w", why))
		}
	}
	return err
}

func (o *Options) stage(name string) {
	if o.Stage != nil {
		o.Stage(name)
	}
}

// boot boots a guest with an initramfs and waits for the end of its runs. up is true if it came up.
func (o *Options) boot(
	ctx context.Context, qemu string, archive func() ([]byte, error), with accelerator,
	tasks []Task, pending map[int]*trace.Trace,
) (up bool, err error) {
	files, err := o.bootFiles(with, archive)
	if err != nil {
		return false, err
	}
	defer files.close()
	o.stage("packed")
	m, err := startMachine(qemu, files, with, o)
	if err != nil {
		return false, err
	}
	return o.attend(ctx, m, with, tasks, pending)
}

// wake restores a guest from its snapshot, which it takes first if there is none, and waits for the
// end of its runs. It then waits until a new snapshot has been kept, which may take until it is on
// the disk. The error is errNoSnapshot if a guest without a snapshot may work.
func (o *Options) wake(
	ctx context.Context, qemu string, c *cargo, tasks []Task, pending map[int]*trace.Trace,
) error {
	path, err := o.snapshotPath(qemu, c.files.identity())
	if err != nil {
		return fmt.Errorf("%w: %w", errNoSnapshot, err)
	}
	keeping, forget := context.WithCancel(ctx)
	defer forget()
	kept := make(chan error, 1)
	snapshot, err := openSnapshot(path)
	switch {
	case err == nil:
		kept <- nil
	case errors.Is(err, fs.ErrNotExist):
		if snapshot, err = o.takeSnapshot(ctx, qemu, c.files); err != nil {
			return err
		}
		go func() { kept <- keepSnapshot(keeping, snapshot, path) }() // the disk may be slow
	default:
		return fmt.Errorf("%w: %w", errNoSnapshot, err)
	}
	defer snapshot.Close()
	m, err := o.restore(ctx, qemu, snapshot, c.job)
	up := false
	if err == nil {
		up, err = o.attend(ctx, m, restored, tasks, pending)
	}
	if err != nil {
		forget()
	}
	if notKept := <-kept; notKept != nil && keeping.Err() == nil && o.Warn != nil {
		o.Warn(notKept)
	}
	if err != nil && ctx.Err() == nil {
		_ = os.Remove(path) // the snapshot may be broken: the next run takes another
		if !up && !errors.Is(err, errNoSnapshot) {
			err = fmt.Errorf("%w: %w", errNoSnapshot, err)
		}
	}
	return err
}

// away is how late a timer must be for this process to have been stopped itself, by SIGSTOP.
const away = time.Second

// attend waits for the end of the runs of a machine that has been started. up is true if it came
// up.
func (o *Options) attend(
	ctx context.Context, m *machine, with accelerator, tasks []Task, pending map[int]*trace.Trace,
) (up bool, err error) {
	defer m.close()

	messages, quit := make(chan message), make(chan struct{})
	defer close(quit)
	broken := make(chan error, 1)
	said := newReservoir()
	go said.fill(m.out)
	go func() {
		defer close(messages)
		dec := codec.NewDecoder(said)
		for {
			var msg message
			if err := dec.Decode(&msg); err != nil {
				if !errors.Is(err, io.EOF) {
					broken <- err
				}
				return
			}
			select {
			case messages <- msg: // all of them, even if QEMU has ended by now
			case <-quit:
				return
			}
		}
	}()
	silent := with.patience()
	patience, since := time.NewTimer(silent), time.Now()
	defer patience.Stop()
	for len(pending) > 0 {
		select {
		case <-ctx.Done():
			return up, ctx.Err()
		case <-patience.C:
			if late := time.Since(since) - silent; late > away {
				patience.Reset(silent) // what the guest has said since waits to be read
				since = time.Now()
				continue
			}
			if !up {
				return up, o.problem(m, up, fmt.Sprintf("the guest did not come up within %s", with.patience()))
			}
			return up, o.problem(m, up, "the guest hangs")
		case msg, ok := <-messages:
			if !ok {
				select {
				case err := <-broken:
					return up, o.problem(m, up, fmt.Sprintf("reading the guest's messages: %v", err))
				default:
					return up, o.problem(m, up, "the guest ended before its runs did")
				}
			}
			up = true
			silent = o.patience(tasks)
			patience.Reset(silent)
			since = time.Now()
			if err := deliver(msg, tasks, pending); err != nil {
				return up, o.problem(m, up, err.Error())
			}
		}
	}
	return up, nil
}

// patience is the time that a guest may be silent.
func (o *Options) patience(tasks []Task) time.Duration {
	if o.Warp {
		return warpPatience
	}
	longest := time.Duration(0)
	for i := range tasks {
		longest = max(longest, tasks[i].Scenario.DeadlineOrDefault())
	}
	return longest + time.Minute
}

// deliver passes a message of the guest on to its task.
func deliver(msg message, tasks []Task, pending map[int]*trace.Trace) error {
	if msg.Ready {
		return nil
	}
	t := pending[msg.Task]
	if t == nil {
		return fmt.Errorf("the guest reports on run %d, which is not running", msg.Task)
	}
	r := &tasks[msg.Task]
	switch {
	case msg.Began:
		r.Began()
	case msg.Event != nil:
		t.Add(*msg.Event)
		r.Emit(*msg.Event)
	case msg.Packets != nil:
		return msg.Packets.Each(func(at time.Duration, p *trace.Packet) {
			t.AddPacket(at, p)
			r.Emit(trace.Event{T: at, Packet: p})
		})
	case msg.Log != nil && r.Log != nil:
		r.Log(msg.Log.Name, msg.Log.Data)
	case msg.Done:
		delete(pending, msg.Task)
		t.Sort()
		r.Ended(t, msg.err())
	}
	return nil
}

// problem returns an error of the machine, with the end of its console. It is an
// *inject.MissingError if this machine lacks something for the guest: memory, or a kernel that
// comes up in QEMU.
func (o *Options) problem(m *machine, up bool, what string) error {
	m.kill()
	text := strings.TrimSpace(m.console.String())
	text = strings.TrimSpace(m.lastWords() + "\n" + text)
	err := errors.New(what)
	switch {
	case outOfMemory.MatchString(text):
		err = &inject.MissingError{
			Feature:  fmt.Sprintf("enough memory for a guest (%d MiB)", o.memory()),
			NeededBy: "runs in a virtual machine", Err: err,
			Remedy: "start fewer runs at once, or smaller ones",
		}
	case !up:
		err = &inject.MissingError{
			Feature: "a guest that comes up with " + o.Kernel.Image, Err: err,
			Remedy: "boot another kernel: halfopen kernel list shows those known here",
		}
	}
	if text == "" {
		return fmt.Errorf("%w; its console is empty", err)
	}
	return fmt.Errorf("%w; the end of its console:\n%s", err, text)
}

// outOfMemory matches the messages of a kernel, or of QEMU, that gets no memory.
var outOfMemory = pattern.New(
	`(?i)out of memory|cannot allocate memory|deadlocked on memory`)
