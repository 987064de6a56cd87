package vm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// Where things are in the guest.
const (
	jobPath = "/halfopen/job.json"
	// modulesDir has the modules, modulesPath the names of those to load, a line each, in order.
	modulesDir  = "/halfopen/modules"
	modulesPath = "/halfopen/modules.list"
	portName    = "halfopen"
	// jobName is what the job of a restored guest is called among the files of QEMU's firmware configuration device, and
	// jobDriver the module that shows these (the kernel's drivers/firmware/qemu_fw_cfg.c).
	jobName   = "opt/halfopen/job"
	jobDriver = "qemu_fw_cfg"
)

// What a line of the guest's console has around the name of a stage.
const (
	stagePrefix = "halfopen guest: "
	stageAfter  = " after "
)

// job is what the guest does: a file in its initramfs, or, if it is restored, one of QEMU's.
type job struct {
	Tasks []work `json:"tasks"`
	// AtOnce is how many tasks go on at once.
	AtOnce int `json:"at_once"`
}

// work is what a guest has to know of a task.
type work struct {
	Scenario *language.Scenario `json:"scenario"`
	Seed     uint64             `json:"seed"`
}

// squeeze packs a job, which the guest reads byte by byte.
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

// unsqueeze undoes squeeze.
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

// message is what comes out of the guest, one JSON value after the other.
type message struct {
	// Ready is sent once, when the guest has come up.
	Ready bool `json:"ready,omitempty"`
	// Task is the index of the task that the rest is about.
	Task  int          `json:"task"`
	Began bool         `json:"began,omitempty"`
	Event *trace.Event `json:"event,omitempty"`
	Done  bool         `json:"done,omitempty"`
	// Error is why there is no trace, with Done; Missing, if it is that the guest lacks something.
	Error   string   `json:"error,omitempty"`
	Missing *missing `json:"missing,omitempty"`
	// Failure ends all.
	Failure string `json:"failure,omitempty"`
}

// missing is a *inject.MissingError on its way.
type missing struct {
	Feature, NeededBy, Remedy, Cause string
	OfKernel                         bool
}

func (m *message) fail(err error) {
	m.Error = err.Error()
	var lacking *inject.MissingError
	if !errors.As(err, &lacking) {
		return
	}
	m.Missing = &missing{Feature: lacking.Feature, OfKernel: lacking.OfKernel, NeededBy: lacking.NeededBy, Remedy: lacking.Remedy}
	if lacking.Err != nil {
		m.Missing.Cause = lacking.Err.Error()
	}
}

// err returns what fail was told.
func (m *message) err() error {
	switch {
	case m.Missing != nil:
		e := &inject.MissingError{Feature: m.Missing.Feature, OfKernel: m.Missing.OfKernel, NeededBy: m.Missing.NeededBy, Remedy: m.Missing.Remedy}
		if m.Missing.Cause != "" {
			e.Err = errors.New(m.Missing.Cause)
		}
		return e
	case m.Error != "":
		return errors.New(m.Error)
	}
	return nil
}
