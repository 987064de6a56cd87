package actor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// explainStart adds to the error of a program that could not be started what is wrong with its file, its
// directory or its user, if that is known. It must be called in the root directory of the program.
func explainStart(cmd *exec.Cmd, as *User, err error) error {
	if err == nil {
		return nil
	}
	if cmd.Dir != "" {
		switch dir, lost := os.Stat(cmd.Dir); {
		case errors.Is(lost, unix.ENOENT):
			return fmt.Errorf("its working directory %s: %w", cmd.Dir, unix.ENOENT)
		case lost == nil && !dir.IsDir():
			return fmt.Errorf("its working directory %s: %w", cmd.Dir, unix.ENOTDIR)
		}
	}
	info, _ := os.Stat(fileOf(cmd))
	switch {
	case errors.Is(err, unix.EACCES) && as != nil && !as.mayEnter(cmd.Dir):
		return fmt.Errorf("user %s may not enter its working directory %s: %w", as.Name, cmd.Dir, unix.EACCES)
	case errors.Is(err, unix.EACCES) && info != nil && info.IsDir():
		return fmt.Errorf("it is a folder: %w", unix.EACCES)
	case errors.Is(err, unix.EACCES) && info != nil && info.Mode()&0o111 == 0:
		return fmt.Errorf("its file is not executable (chmod +x): %w", unix.EACCES)
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("it is neither a program for this machine nor a script with an interpreter after #!: %w", unix.ENOEXEC)
	case errors.Is(err, unix.ENOENT):
		if interpreter := interpreterOf(cmd); interpreter != "" {
			return fmt.Errorf("its interpreter %s: %w", interpreter, unix.ENOENT)
		}
	}
	return err
}

// fileOf returns the path of a program.
func fileOf(cmd *exec.Cmd) string {
	if filepath.IsAbs(cmd.Path) {
		return cmd.Path
	}
	return filepath.Join(cmd.Dir, cmd.Path)
}

// interpreterOf returns the interpreter that the first line of a script names; "" if the program is not
// a script.
func interpreterOf(cmd *exec.Cmd) string {
	script, err := os.Open(fileOf(cmd))
	if err != nil {
		return ""
	}
	defer script.Close()
	head := make([]byte, 256) // the kernel reads no more (BINPRM_BUF_SIZE)
	n, _ := io.ReadFull(script, head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	rest, isScript := strings.CutPrefix(line, "#!")
	words := strings.Fields(rest)
	if !isScript || len(words) == 0 {
		return ""
	}
	return words[0]
}
