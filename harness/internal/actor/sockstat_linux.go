package actor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"halfopen/scenarios/language"
)

// tables are the kernel's tables of the host's sockets. They are opened before the first step, so
// that an actor that has used up its files can still count them.
type tables struct {
	mu    sync.Mutex
	files []table
	err   error
}

type table struct {
	file *os.File
	add  func(values map[string]int64, text string) error
}

// openTables opens the tables if a step needs them. Some are missing on a host without IPv6.
func openTables(steps []language.Step) *tables {
	wanted := false
	language.EachStep(steps, func(s *language.Step) { wanted = wanted || s.Op.Sockstat != nil })
	t := &tables{}
	if !wanted {
		return t
	}
	for _, known := range []struct {
		name string
		add  func(map[string]int64, string) error
	}{{"sockstat", addSockstat}, {"sockstat6", addSockstat}, {"tcp", addStates}, {"tcp6", addStates}} {
		file, err := os.Open("/proc/self/net/" + known.name)
		switch {
		case err == nil:
			t.files = append(t.files, table{file, known.add})
		case !errors.Is(err, fs.ErrNotExist):
			t.err = errors.Join(t.err, fmt.Errorf("opening the tables of sockets: %w", err))
		}
	}
	return t
}

// count reads all tables again, from the start.
func (t *tables) count(values map[string]int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	for _, table := range t.files {
		if _, err := table.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		text, err := io.ReadAll(table.file)
		if err == nil {
			err = table.add(values, string(text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *thread) sockstat(_ *language.Step, _ *language.Sockstat, o *outcome) {
	o.Values = make(map[string]int64)
	o.call(func() (int, error) { return 0, t.tables.count(o.Values) })
}
