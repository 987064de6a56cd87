package report

import (
	"fmt"
	"io"
	"time"

	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// The records of halfopen check --format json. The last one counts the files.
const (
	FindingRecord Kind = "finding"
	FileRecord    Kind = "file"
	CheckedFiles  Kind = "checked"
)

// Checked is a scenario file that was checked.
type Checked struct {
	// Name is that of the scenario, or what was asked for. File is nil if it cannot be read.
	Name string
	File *language.File
	// Findings are what is wrong with it, or may be; without an error or something missing, it can run.
	Findings []Finding
	// Runs is the number of its runs, Longest the estimate of the longest; 0 if it is wrong.
	Runs     int
	Longest  time.Duration
	Programs []language.RunProgram
}

// FoundRecord is a finding, as a line of JSON.
type FoundRecord struct {
	Head
	Finding
}

// CheckedRecord is a file that was checked, after its findings.
type CheckedRecord struct {
	Head
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	// Status is ok, wrong or missing: this machine lacks something that it needs.
	Status string `json:"status"`
	// Runs is the number of its runs, on the IP versions of Families. Seconds is about how long the
	// longest takes.
	Runs     int               `json:"runs"`
	Families []language.Family `json:"families,omitempty"`
	Seconds  float64           `json:"seconds"`
	// Programs are the commands that it runs.
	Programs []commandRecord `json:"programs,omitempty"`
}

type commandRecord struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Command string `json:"command"`
}

// CheckSummary counts the files. Exit is the exit status.
type CheckSummary struct {
	Head
	Files   int `json:"files"`
	Wrong   int `json:"wrong"`
	Missing int `json:"missing"`
	Exit    int `json:"exit"`
}

// The values of [CheckedRecord.Status].
const (
	checkedOK      = "ok"
	checkedWrong   = "wrong"
	checkedMissing = "missing"
)

// status sums up the findings.
func (c *Checked) status() string {
	status := checkedOK
	for _, f := range c.Findings {
		switch {
		case f.Severity == code.Error:
			return checkedWrong
		case f.Severity == code.Missing:
			status = checkedMissing
		}
	}
	return status
}

// WriteChecked writes a line of JSON for each finding, for each file after its findings, and for the
// summary.
func WriteChecked(w io.Writer, list []Checked, exit int) error {
	sum := CheckSummary{Head: head(CheckedFiles), Files: len(list), Exit: exit}
	var records []any
	for i := range list {
		c := &list[i]
		for _, f := range c.Findings {
			records = append(records, &FoundRecord{head(FindingRecord), f})
		}
		r := &CheckedRecord{
			Head: head(FileRecord), Name: c.Name, Status: c.status(), Runs: c.Runs,
			Seconds: c.Longest.Seconds(),
		}
		if c.File != nil {
			r.File, r.Families = c.File.Path, c.File.IP
		}
		for _, p := range c.Programs {
			r.Programs = append(r.Programs, commandRecord{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Command})
		}
		switch r.Status {
		case checkedWrong:
			sum.Wrong++
		case checkedMissing:
			sum.Missing++
		}
		records = append(records, r)
	}
	for _, r := range append(records, &sum) {
		if err := encode(w, r, ""); err != nil {
			return fmt.Errorf("writing the findings: %w", err)
		}
	}
	return nil
}
