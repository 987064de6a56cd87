package actor

import (
	"fmt"
	"strings"
	"testing"

	"halfopen/scenarios/language"
)

func TestLimitOfFiles(t *testing.T) {
	limit := func(n int) language.Op { return language.Op{Limit: &language.Limit{Nofile: n}} }
	socket := language.Op{Socket: &language.SocketOp{}}
	const few, more, tries = 64, 256, 100
	o := outcomes(
		t,
		step("limit", limit(few)), times(tries, step("few", socket)), step("count", sockstatOp()), times(16, step("close", closeOp())),
		step("exec", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", "ulimit -n"}}}}),
		step("raise", limit(more)), times(tries, step("more", socket)),
	)
	for _, id := range []string{"limit", "raise"} {
		if s := o[id]; s.Errno != "" || s.Problem != "" || s.Result != 0 {
			t.Fatalf("%s: %q, %q, %d", id, s.Errno, s.Problem, s.Result)
		}
	}
	open := 0
	for i := 1; i <= tries; i++ {
		s := o["few"]
		if i > 1 {
			s = o[fmt.Sprintf("few[%d]", i)]
		}
		switch {
		case s.Errno == "" && s.Result >= few:
			t.Fatalf("file descriptor %d under a limit of %d", s.Result, few)
		case s.Errno == "" && i == open+1:
			open++
		case s.Errno != "EMFILE":
			t.Fatalf("socket %d: %q, %q, want EMFILE", i, s.Errno, s.Problem)
		}
	}
	if s := o["count"]; s.Errno != "" || s.Values["sockets_used"] < int64(open) {
		t.Errorf("sockstat with all files in use: %q, %d sockets", s.Errno, s.Values["sockets_used"])
	}
	// The actor itself has the other files open.
	if open < few-24 || open >= few {
		t.Errorf("%d sockets under a limit of %d files", open, few)
	}
	t.Logf("%d of %d files are the actor's own", few-open, few)
	if got := strings.TrimSpace(string(o["exec"].Stdout)); got != fmt.Sprint(few) {
		t.Errorf("a program has a limit of %q files, want %d", got, few)
	}
	if s := o[fmt.Sprintf("more[%d]", tries)]; s.Errno != "" {
		t.Errorf("with the limit raised: %q", s.Errno)
	}
}
