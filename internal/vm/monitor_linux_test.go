package vm

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// talk returns a monitor of a QEMU that sends these texts, one in answer to each command.
func talk(t *testing.T, answers ...string) *monitor {
	t.Helper()
	m, end, err := newMonitor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	conn, err := net.FileConn(end)
	end.Close()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		dec := json.NewDecoder(conn)
		for _, a := range answers {
			var order map[string]any
			if dec.Decode(&order) != nil {
				return
			}
			if _, err := conn.Write([]byte(a)); err != nil {
				return
			}
		}
	}()
	if err := m.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMonitor(t *testing.T) {
	const done = `{"return": {}}`
	t.Run("an event between order and answer is not lost", func(t *testing.T) {
		m := talk(t, `{"event": "STOP", "data": {}} {"event": "MIGRATION", "data": {"status": "setup"}}`+done,
			`{"event": "MIGRATION", "data": {"status": "active"}}{"event": "MIGRATION", "data": {"status": "completed"}}`+done)
		if err := m.order("stop", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := m.await("STOP"); err != nil {
			t.Error(err)
		}
		if err := m.order("migrate", nil); err != nil {
			t.Fatal(err)
		}
		if err := m.migrated(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a migration that fails is an error", func(t *testing.T) {
		m := talk(t, done+`{"event": "MIGRATION", "data": {"status": "failed"}}`)
		if err := m.order("migrate", nil); err != nil {
			t.Fatal(err)
		}
		if err := m.migrated(); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a refusal of QEMU is in the error", func(t *testing.T) {
		m := talk(t, `{"error": {"class": "GenericError", "desc": "No such device"}}`)
		if err := m.order("eject", nil); err == nil || !strings.Contains(err.Error(), "eject: it refuses: No such device") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a QEMU that has gone is an error", func(t *testing.T) {
		m, end, err := newMonitor()
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		end.Close()
		if err := m.greet(time.Second); err == nil {
			t.Error("no error")
		}
	})
}

func TestReservoirHoldsWhatNobodyHasReadYet(t *testing.T) {
	r := newReservoir()
	text := strings.Repeat("0123456789", 100_000)
	r.fill(strings.NewReader(text)) // ends without a reader
	if got, err := io.ReadAll(r); err != nil || string(got) != text {
		t.Errorf("%d bytes came out, want %d: %v", len(got), len(text), err)
	}
}

func TestReservoirWaitsForWhatComes(t *testing.T) {
	r := newReservoir()
	in, out := io.Pipe()
	go r.fill(in)
	p := make([]byte, 10)
	for _, text := range []string{"one", "two"} {
		go io.WriteString(out, text)
		if n, err := r.Read(p); err != nil || string(p[:n]) != text {
			t.Fatalf("got %q, %v, want %q", p[:n], err, text)
		}
	}
	go out.CloseWithError(io.ErrUnexpectedEOF)
	if _, err := r.Read(p); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestAJobIsUnpackedAsItWas(t *testing.T) {
	packed, err := squeeze([]byte("a job"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unsqueeze(packed); err != nil || string(got) != "a job" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unsqueeze(packed[:len(packed)-1]); err == nil {
		t.Error("half a job is no error")
	}
}
