package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"halfopen/inject"
	"halfopen/internal/testlab"
)

// roles are the programs that the test binary becomes when it is run again under their names. The
// result of a role is written to descriptor 3.
var roles = map[string]func() (any, error){
	"test-enter":     enterRole,
	"test-orphans":   orphansRole,
	"test-busy":      busyRole,
	"test-children":  childrenRole,
	"test-actor":     actorRole,
	"test-exit":      exitRole,
	"test-parent":    parentRole,
	"test-lab":       labRole,
	"test-lingering": lingeringRole,
	"test-terminal":  terminalRole,
	"test-user":      userRole,
	"test-root":      rootRole,
	"test-root-tmp":  rootTmpRole,

	"test-root-in-docker": rootInDockerRole,
	"test-probe":          func() (any, error) { return nil, Enter("halfopen-test") },
}

// answer is the result that a role writes.
type answer struct {
	Error string          `json:"error,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

func TestMain(m *testing.M) {
	role := roles[os.Args[0]]
	if role == nil {
		os.Exit(m.Run())
	}
	syscall.CloseOnExec(3)
	value, err := role()
	a := answer{}
	if err != nil {
		a.Error = err.Error()
	}
	a.Value, err = json.Marshal(value)
	if err == nil {
		err = json.NewEncoder(os.NewFile(3, "answer")).Encode(a)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "answering:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// deadline is how long a test waits for something that must come.
const deadline = 20 * time.Second

// run runs a role in a sandbox and reads its result into value.
func run(t *testing.T, role string, value any) {
	t.Helper()
	if err := start(t, role, value); err != nil {
		t.Fatalf("%s: %v", role, err)
	}
}

func start(t *testing.T, role string, value any) error {
	t.Helper()
	testlab.Long(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := Start(role, nil, os.Stderr, w)
	w.Close()
	testlab.Supported(t, err)
	if err := r.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	var a answer
	err = json.NewDecoder(r).Decode(&a)
	if err != nil {
		_ = p.Signal(syscall.SIGKILL) // it has not answered in time
	}
	status, waitErr := p.Wait()
	switch {
	case err != nil:
		t.Fatalf("%s gave no answer (%v), status %#x: %v", role, err, status, waitErr)
	case waitErr != nil:
		t.Fatal(waitErr)
	case !status.Exited() || status.ExitStatus() != 0:
		t.Fatalf("%s ended with status %#x", role, status)
	case a.Error != "":
		return errors.New(a.Error)
	}
	return json.Unmarshal(a.Value, value)
}

// needSandbox skips the test if no sandbox can be made, including its mounts, and with -short.
func needSandbox(t *testing.T) {
	t.Helper()
	var nothing any
	if err := start(t, "test-probe", &nothing); err != nil {
		testlab.Supported(t, &inject.MissingError{Feature: "a sandbox", Err: err})
	}
}

// eventually waits until f returns nil. It polls, for changes that no event announces.
func eventually(f func() error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(deadline)
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-late:
			return err
		}
	}
}
