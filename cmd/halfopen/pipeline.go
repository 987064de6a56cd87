package main

import (
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"halfopen/internal/pattern"
)

// commandReaders are the variables of the environment that are set where a pipeline takes commands from
// what its programs print: of GitHub Actions, Azure Pipelines and TeamCity.
var commandReaders = []string{"GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"}

// inert is an output that a pipeline reads commands from. Nothing that a scenario says, or a program of
// it prints, is one. It is safe for concurrent use.
type inert struct {
	w io.Writer

	mu sync.Mutex
	// within is set if the last line was begun and has not ended; mu.
	within bool
}

// newInert returns an output whose text has no commands, or the output itself if no pipeline reads it.
func newInert(w io.Writer) io.Writer {
	reader := false
	for _, name := range commandReaders {
		reader = reader || os.Getenv(name) != ""
	}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		reader = reader && !term.IsTerminal(int(f.Fd())) && (err != nil || !info.Mode().IsRegular())
	}
	if !reader {
		return w
	}
	return &inert{w: w}
}

// hasCommand matches a command that may be anywhere in a line: ##[error], ##vso[...] and the like.
var hasCommand = pattern.New(`##(\w*\[)`)

func (i *inert) Write(text []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		begin := strings.TrimLeft(line, " \t")
		if strings.HasPrefix(begin, "::") && !i.within { // GitHub passes over the blanks
			line = strings.Replace(line, "::", ": :", 1)
		}
		b.WriteString(hasCommand.ReplaceAllString(line, "# #$1"))
		i.within = !strings.HasSuffix(line, "\n") && (i.within || begin != "")
	}
	if _, err := io.WriteString(i.w, b.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// commandsTo returns the output for commands of halfopen itself.
func commandsTo(w io.Writer) io.Writer {
	if i, ok := w.(*inert); ok {
		return i.w
	}
	return w
}
