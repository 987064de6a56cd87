package actor

import (
	"io"
	"os"
	"os/exec"
	"time"
)

// input is the pipe that a program reads its standard input from.
type input struct {
	r, w *os.File
	done chan struct{}
}

// newInput makes the pipe of a program that has not started. Call started after its start, and end once.
func newInput(cmd *exec.Cmd) (*input, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = r
	return &input{r, w, make(chan struct{})}, nil
}

// started closes the program's end of the pipe, which the program has now, and begins to write.
func (i *input) started(text string) {
	i.r.Close()
	go func() {
		defer close(i.done)
		_, _ = io.WriteString(i.w, text) // an error means that nobody reads it
		i.w.Close()
	}()
}

// end ends the input when its program has ended. Processes that it left running may read for inputFor
// more.
func (i *input) end() {
	_ = i.w.SetWriteDeadline(time.Now().Add(inputFor)) // a pipe takes deadlines; an error: it is closed
	<-i.done
}
