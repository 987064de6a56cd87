package result

import (
	"os"
	"path/filepath"
	"slices"

	"halfopen/harness/trace"
)

// Log is a file with all that a program of a run wrote to one of its outputs, see [trace.LogName].
type Log struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
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
		stream := filepath.Ext(e.Name())
		if !e.Type().IsRegular() ||
			!slices.Contains([]string{"." + string(trace.Stdout), "." + string(trace.Stderr)}, stream) {
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
