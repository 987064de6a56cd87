package result

import (
	"os"
	"path/filepath"
	"strings"

	"halfopen/harness/trace"
)

// Log is a file with all that a program of a run wrote to one of its outputs, see [trace.LogName].
type Log struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// IsLog reports whether a name may be that of such a file.
func IsLog(name string) bool {
	stream := trace.Stream(strings.TrimPrefix(filepath.Ext(name), "."))
	return stream == trace.Stdout || stream == trace.Stderr
}

// Logs returns the files of programs in the directory of a stored run, sorted by name; none if there is
// no such directory.
func Logs(dir string) ([]Log, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var all []Log
	for _, e := range entries {
		if !e.Type().IsRegular() || !IsLog(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		all = append(all, Log{e.Name(), info.Size()})
	}
	return all, nil
}
