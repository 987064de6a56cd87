package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// monitor sends commands to one QEMU, by the QEMU Machine Protocol (QEMU's docs/interop/qmp-spec).
type monitor struct {
	conn *net.UnixConn
	dec  *json.Decoder
	// missed are the events that came during another wait.
	missed []reply
}

// reply is a message from QEMU: the result of a command, or an event.
type reply struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Status string `json:"status"`
	} `json:"data"`
}

// newMonitor returns a monitor, and the socket to pass to QEMU. The caller closes both.
func newMonitor() (*monitor, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making the monitor's sockets: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "monitor"), os.NewFile(uintptr(pair[1]), "monitor")
	conn, err := net.FileConn(ours) // conn has a duplicate of the descriptor
	ours.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("making the monitor's sockets: %w", err)
	}
	return &monitor{conn: conn.(*net.UnixConn), dec: json.NewDecoder(conn)}, theirs, nil
}

func (m *monitor) close() { m.conn.Close() }

// within sets the deadline of all later commands and waits.
func (m *monitor) within(patience time.Duration) error {
	return m.conn.SetDeadline(time.Now().Add(patience))
}

// greet waits for QEMU and enables the capabilities that snapshots need: memory in a file is left
// out of them, and events report when they are done. patience also bounds all later commands and
// waits.
func (m *monitor) greet(patience time.Duration) error {
	if err := m.within(patience); err != nil {
		return err
	}
	var greeting json.RawMessage
	if err := m.dec.Decode(&greeting); err != nil {
		return fmt.Errorf("waiting for QEMU's monitor: %w", err)
	}
	type capability struct {
		Capability string `json:"capability"`
		State      bool   `json:"state"`
	}
	return errors.Join(
		m.order("qmp_capabilities", nil),
		m.order("migrate-set-capabilities", map[string]any{
			"capabilities": []capability{{"x-ignore-shared", true}, {"events", true}},
		}),
	)
}

// order sends a command to QEMU and waits until it is done.
func (m *monitor) order(command string, arguments map[string]any) error {
	return m.orderWith(nil, command, arguments)
}

// orderWith is order with a file to pass to QEMU; nil passes none.
func (m *monitor) orderWith(file *os.File, command string, arguments map[string]any) error {
	order := map[string]any{"execute": command}
	if arguments != nil {
		order["arguments"] = arguments
	}
	data, err := json.Marshal(order)
	if err != nil {
		return err
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	if _, _, err := m.conn.WriteMsgUnix(data, rights, nil); err != nil {
		return fmt.Errorf("sending QEMU the command %s: %w", command, err)
	}
	for {
		var r reply
		switch err := m.dec.Decode(&r); {
		case err != nil:
			return fmt.Errorf("sending QEMU the command %s: %w", command, err)
		case r.Event != "":
			m.missed = append(m.missed, r)
		case r.Error != nil:
			return fmt.Errorf("sending QEMU the command %s: it refuses: %s", command, r.Error.Desc)
		default:
			return nil
		}
	}
}

// await waits for an event and returns its status. With statuses, it waits for an event that has
// one of them.
func (m *monitor) await(event string, statuses ...string) (string, error) {
	for {
		var r reply
		if len(m.missed) > 0 {
			r, m.missed = m.missed[0], m.missed[1:]
		} else if err := m.dec.Decode(&r); err != nil {
			return "", fmt.Errorf("waiting for QEMU's event %s: %w", event, err)
		}
		if r.Event == event && (len(statuses) == 0 || slices.Contains(statuses, r.Data.Status)) {
			return r.Data.Status, nil
		}
	}
}

// migrated waits for the end of a migration: QEMU also calls saving and restoring a migration.
func (m *monitor) migrated() error {
	status, err := m.await("MIGRATION", "completed", "failed")
	if err == nil && status == "failed" {
		err = errors.New("QEMU could not save or restore the machine")
	}
	return err
}
