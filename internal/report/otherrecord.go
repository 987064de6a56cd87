package report

import (
	"fmt"
	"io"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

// The kinds of records that commands write which run nothing.
const (
	ScenarioRecord Kind = "scenario"
	FeatureRecord  Kind = "feature"
	MachineRecord  Kind = "machine"
	KernelRecord   Kind = "kernel"
	ArchiveRecord  Kind = "archive"
)

// WriteRecord writes a record as a line of JSON, and sets its head.
func WriteRecord(w io.Writer, k Kind, record interface{ is(Kind) }) error {
	record.is(k)
	if err := encode(w, record, ""); err != nil {
		return fmt.Errorf("writing a record: %w", err)
	}
	return nil
}

// Listed is a scenario of the library: a record of list.
type Listed struct {
	Head
	Name   string `json:"name"`
	Folder string `json:"folder"`
	File   string `json:"file"`
	// Title and Tags are as the file has them: a ${parameter} in them is not replaced.
	Title    string            `json:"title"`
	Tags     []string          `json:"tags"`
	Families []language.Family `json:"families"`
	// Needs are the programs of the machine that it needs, Missing is why it cannot run here; "" if
	// it can.
	Needs   []string    `json:"needs"`
	Missing string      `json:"missing,omitempty"`
	Runs    []ListedRun `json:"runs"`
}

// ListedRun is a case on an IP version.
type ListedRun struct {
	Case   string `json:"case"`
	Family string `json:"family"`
	// Seconds is about how long it takes. Long is set if it takes so long that it is warped.
	Seconds float64 `json:"seconds"`
	Long    bool    `json:"long"`
}

// NewListed returns the record of a scenario with its runs, of which those are long that take as long
// as a limit.
func NewListed(f *language.File, runs []*language.Scenario, long time.Duration, missing error) *Listed {
	l := &Listed{
		Name: f.Name, Folder: f.Folder, File: f.Path, Title: f.Title,
		Tags: append([]string{}, f.Tags...), Families: f.IP, Needs: []string{}, Runs: []ListedRun{},
	}
	if missing != nil {
		l.Missing = missing.Error()
	}
	for _, s := range runs {
		e := s.Estimate()
		l.Runs = append(l.Runs, ListedRun{s.Case, string(s.Family), e.Seconds(), e >= long})
	}
	if len(runs) > 0 {
		l.Needs = append(l.Needs, runs[0].Needs...)
	}
	return l
}

// Feature is something that scenarios use, and whether this machine has it: a record of doctor.
type Feature struct {
	Head
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Essential is set if nearly every scenario needs it. NeededBy names what needs it.
	Essential bool   `json:"essential"`
	NeededBy  string `json:"needed_by"`
	// Why says what is missing, Remedy what to do; both are "" if nothing is.
	Why    string `json:"why,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Gaps are what the tracepoints of this kernel do not show. Place is where warped runs take place.
	Gaps  []string      `json:"gaps,omitempty"`
	Place *result.Place `json:"place,omitempty"`
}

// Machine is the last record of doctor.
type Machine struct {
	Head
	Version string `json:"version"`
	// Kernel is uname -r, Hardware uname -m. UID is that of the user.
	Kernel   string `json:"kernel"`
	Hardware string `json:"hardware"`
	UID      int    `json:"uid"`
	// Ready is set if nothing is missing that nearly every scenario needs. Missing is the number of
	// features that are.
	Ready   bool `json:"ready"`
	Missing int  `json:"missing"`
	// Exit is the exit status of halfopen.
	Exit int `json:"exit"`
}

// The states of a kernel.
const (
	KernelRunning   = "running"
	KernelBootable  = "bootable"
	KernelAvailable = "available"
)

// Kernel is a kernel that runs can have: a record of kernel list.
type Kernel struct {
	Head
	Version string `json:"version"`
	// State is running, bootable or available: to be fetched by kernel get.
	State string `json:"state" jsonschema:"enum=running,enum=bootable,enum=available"`
	// Image is the file of one that is bootable. Where is what found it: /boot, cache or file.
	Image string `json:"image,omitempty"`
	Where string `json:"where,omitempty"`
}

// Archive is the last record of kernel list: whether kernels can be downloaded.
type Archive struct {
	Head
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
}
