package vm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/outbox"
	"halfopen/scenarios/language"
)

// The paths and names of the guest's files and devices.
const (
	jobPath = "/halfopen/job.json"
	// modulesDir has the modules, modulesPath the names of the modules to load, one a line, in
	// order.
	modulesDir  = "/halfopen/modules"
	modulesPath = "/halfopen/modules.list"
	portName    = "halfopen"
	// temporary is a guest's directory for temporary files.
	temporary = "/dev/shm"
	// jobName is the name of a restored guest's job among the files of QEMU's firmware
	// configuration device. jobDriver is the module that shows these files (the kernel's
	// drivers/firmware/qemu_fw_cfg.c).
	jobName   = "opt/halfopen/job"
	jobDriver = "qemu_fw_cfg"
)

// A stage is a line of the guest's console with this text around its name.
const (
	stagePrefix = "halfopen guest: "
	stageAfter  = " after "
)

// job is the work of a guest: a file in its initramfs or, for a restored guest, a file of QEMU.
type job struct {
	Tasks []work `json:"tasks"`
	// AtOnce is the number of tasks that run at once.
	AtOnce int `json:"at_once"`
	// NoTracepoints is [Options.NoTracepoints].
	NoTracepoints bool `json:"no_tracepoints,omitempty"`
	// Environment is what programs of the scenarios may find in their environment, NAME=VALUE.
	Environment []string `json:"environment,omitempty"`
	// Now is the date of the guest, if programs see it. Without it, all guests have the same, and the
	// same seed makes the same packets.
	Now time.Time `json:"now,omitzero"`
	// Modules are the files of the kernel's modules, by name, which programs may load.
	Modules map[string]string `json:"modules,omitempty"`
}

// work is the part of a task that the guest needs.
type work struct {
	Scenario *language.Scenario `json:"scenario"`
	Seed     uint64             `json:"seed"`
	// Dir is the directory of the scenario, which a scenario leaves out.
	Dir string `json:"dir,omitempty"`
	// Logs is set if the host wants what programs write.
	Logs bool `json:"logs,omitempty"`
}

// newJob returns a job, with the parts of the environment, the date and the modules that programs need.
func newJob(
	tasks []Task, o *Options, environment []string, now time.Time, modules map[string]string,
) *job {
	j := &job{AtOnce: o.AtOnce, NoTracepoints: o.NoTracepoints}
	passes := func(string) bool { return false }
	for i := range tasks {
		s := tasks[i].Scenario
		j.Tasks = append(j.Tasks, work{s, tasks[i].Seed, s.Dir, tasks[i].Log != nil})
		if s.RunsPrograms() {
			j.Now, j.Modules = now, modules
			others := passes
			passes = func(name string) bool { return others(name) || s.PassesOn(name) }
		}
	}
	for _, v := range environment {
		if name, _, _ := strings.Cut(v, "="); passes(name) {
			j.Environment = append(j.Environment, v)
		}
	}
	return j
}

// squeeze compresses a job, because the guest reads it byte by byte.
func squeeze(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("packing the guest's job: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing the guest's job: %w", err)
	}
	return b.Bytes(), nil
}

// unsqueeze reverses squeeze.
func unsqueeze(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking the guest's job: %w", err)
	}
	data, err = io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpacking the guest's job: %w", err)
	}
	return data, nil
}

// piece is a piece of a file of a program, the next one of that name.
type piece struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// message is a message from the guest. Package codec writes and reads them.
type message struct {
	// Ready is sent once, when the guest has booted or was restored, and has read its job.
	Ready bool `json:"ready,omitempty"`
	// Task is the index of the task that the other fields describe.
	Task  int          `json:"task"`
	Began bool         `json:"began,omitempty"`
	Event *trace.Event `json:"event,omitempty"`
	// Packets are events that are packets: there may be very many.
	Packets *trace.Packets `json:"packets,omitempty"`
	Log     *piece         `json:"log,omitempty"`
	Done    bool           `json:"done,omitempty"`
	// Error is the reason why there is no trace, with Done. Missing is set too if the guest lacks
	// something, Refused if its kernel refuses something.
	Error   string               `json:"error,omitempty"`
	Missing *inject.MissingError `json:"missing,omitempty"`
	Refused *inject.RefusedError `json:"refused,omitempty"`
}

// send sends an event of a task, a packet together with those before it that still wait to be written,
// if they were seen at the same end of a link.
func send(out *outbox.Outbox[message], task int, e *trace.Event) {
	out.Await() // the host's reader sets the pace of a run with very many packets
	if e.Packet == nil {
		out.Send(message{Task: task, Event: e})
		return
	}
	out.Join(func(last *message) bool {
		return last.Task == task && last.Packets != nil && last.Packets.Append(e.T, e.Packet)
	}, func() message {
		first := &trace.Packets{}
		first.Append(e.T, e.Packet)
		return message{Task: task, Packets: first}
	})
}

func (m *message) fail(err error) {
	m.Error = err.Error()
	errors.As(err, &m.Missing)
	errors.As(err, &m.Refused)
}

// err returns the error that fail recorded, or nil.
func (m *message) err() error {
	switch {
	case m.Missing != nil:
		return m.Missing
	case m.Refused != nil:
		return m.Refused
	case m.Error != "":
		return errors.New(m.Error)
	}
	return nil
}
