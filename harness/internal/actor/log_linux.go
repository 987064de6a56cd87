package actor

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// What the files have of the programs of a step, those of all its executions. Of programs that write
// more, the rest is left out, and a note of the trace says so.
const (
	mostLogs     = 1000
	mostLogBytes = 1 << 30
)

// logs are the files with all that the programs of an actor write, in a folder of the machine. They
// are written as it comes: nothing of it waits in memory, and a program that writes faster than the
// disk waits for it. A nil *logs has no files.
type logs struct {
	dir  *os.File
	host string
	// most is the room of a step.
	most logRoom

	mu    sync.Mutex
	steps map[string]*logRoom
}

// logRoom is what the programs of a step may still write to files. Fields belong to mu of logs.
type logRoom struct {
	files int
	bytes int64
	// full is set once it has been said that something is left out.
	full bool
}

func newLogs(dir *os.File, host string) *logs {
	if dir == nil {
		return nil
	}
	return &logs{
		dir: dir, host: host, most: logRoom{files: mostLogs, bytes: mostLogBytes},
		steps: map[string]*logRoom{},
	}
}

// log is the file for one output of a program. It is made with the first bytes. A nil *log has none.
type log struct {
	logs *logs
	room *logRoom
	name string
	file *os.File
	over bool
	// note reports that something is left out.
	note func(text string)
}

// of returns the file for an output of a program that has not written anything.
func (l *logs) of(p *trace.Line, stream trace.Stream, note func(text string)) *log {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	room := l.steps[p.Step]
	if room == nil {
		room = &logRoom{files: l.most.files, bytes: l.most.bytes}
		l.steps[p.Step] = room
	}
	return &log{logs: l, room: room, note: note, name: trace.LogName(l.host, p.Actor, p.Step, p.N, stream)}
}

// take uses up room for n bytes, and for a file if it is a new one, and returns how many fit. The first
// time that something does not fit, why says so.
func (f *log) take(n int) (fits int, why string) {
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	r := f.room
	switch {
	case f.file == nil && r.files == 0:
		why = fmt.Sprintf("%s and later ones are left out: a step has at most %d files", f.name, f.logs.most.files)
	case r.bytes < int64(n):
		why = fmt.Sprintf("%s is cut off: the files of a step have at most %d bytes", f.name, f.logs.most.bytes)
		fits = int(r.bytes)
	default:
		fits = n
	}
	if f.file == nil && fits > 0 {
		r.files--
	}
	r.bytes -= int64(fits)
	if why != "" && r.full {
		return fits, ""
	}
	r.full = r.full || why != ""
	return fits, why
}

// Write adds what the program has written. It takes all of it: what does not fit is left out.
func (f *log) Write(b []byte) (int, error) {
	if f == nil || f.over || len(b) == 0 {
		return len(b), nil
	}
	n, why := f.take(len(b))
	if why != "" {
		f.note(why)
	}
	err := f.put(b[:n])
	if err != nil {
		f.note(fmt.Sprintf("%s is cut off: %v", f.name, err))
	}
	if err != nil || n < len(b) {
		f.over = true
		f.close()
	}
	return len(b), nil
}

func (f *log) put(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if f.file == nil {
		fd, err := unix.Openat(int(f.logs.dir.Fd()), f.name,
			unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666)
		if err != nil {
			return err
		}
		f.file = os.NewFile(uintptr(fd), f.name)
	}
	_, err := f.file.Write(b)
	return err
}

func (f *log) close() {
	if f != nil && f.file != nil {
		_ = f.file.Close() // the file is not read back: nothing to do about an error
	}
}
