package say

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

func TestErrorLines(t *testing.T) {
	a, b := errors.New("a.yaml:1:2: wrong"), errors.New("b\nPASS  all\x1b[2J: wrong")
	file := &os.PathError{Op: "stat", Path: "a\nb.yaml", Err: os.ErrNotExist}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"one error":                      {a, "a.yaml:1:2: wrong"},
		"a line break of its text":       {b, `b\nPASS  all\x1b[2J: wrong`},
		"joined errors":                  {errors.Join(a, b), "a.yaml:1:2: wrong\n" + `b\nPASS  all\x1b[2J: wrong`},
		"joined errors in joined ones":   {errors.Join(errors.Join(a, a), a), "a.yaml:1:2: wrong\na.yaml:1:2: wrong\na.yaml:1:2: wrong"},
		"joined errors below a text":     {fmt.Errorf("reading a\nb: %w", errors.Join(a, a)), `reading a\nb: ` + "a.yaml:1:2: wrong\na.yaml:1:2: wrong"},
		"a name in an error of a system": {fmt.Errorf("looking: %w", file), `looking: stat a\nb.yaml: file does not exist`},
		"two errors in one text":         {fmt.Errorf("%w, but\n%w", a, b), `a.yaml:1:2: wrong, but\nb\nPASS  all\x1b[2J: wrong`},
		"an error without its cause":     {hiding{b}, `hidden\n`},
		"an empty error":                 {errors.Join(errors.New(""), a), "\na.yaml:1:2: wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ErrorLines(test.err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// hiding is an error whose text does not have that of its cause.
type hiding struct{ error }

func (hiding) Error() string   { return "hidden\n" }
func (h hiding) Unwrap() error { return h.error }
