package vm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"halfopen/internal/outbox"
)

// logsDir has, in the guest, a folder for each task with the files of its programs. They are in memory,
// which bounds them: a program that writes more gets a note in its trace.
const (
	logsDir   = "/run/halfopen-logs"
	logsBound = "size=16m"
)

// mountLogs makes room for the files of programs, if a task wants them.
func (j *job) mountLogs() error {
	for i := range j.Tasks {
		if j.Tasks[i].Logs {
			return errors.Join(os.MkdirAll(logsDir, 0o700), unix.Mount("tmpfs", logsDir, "tmpfs", 0, logsBound))
		}
	}
	return nil
}

// logsOf makes the folder of a task; "" if the host does not want the files.
func (j *job) logsOf(task int) (string, error) {
	if !j.Tasks[task].Logs {
		return "", nil
	}
	dir := filepath.Join(logsDir, strconv.Itoa(task))
	return dir, os.Mkdir(dir, 0o700)
}

// sendLogs sends the files of a task to the host, and removes them.
func sendLogs(out *outbox.Outbox[message], task int, dir string) error {
	if dir == "" {
		return nil
	}
	defer os.RemoveAll(dir)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := sendLog(out, task, filepath.Join(dir, f.Name())); err != nil {
			return fmt.Errorf("sending %s: %w", f.Name(), err)
		}
	}
	return nil
}

func sendLog(out *outbox.Outbox[message], task int, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		data := make([]byte, 64<<10)
		n, err := f.Read(data)
		if n > 0 {
			out.Await()
			out.Send(message{Task: task, Log: &piece{filepath.Base(path), data[:n]}})
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
