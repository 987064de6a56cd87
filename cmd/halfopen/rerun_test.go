package main

import (
	"testing"

	"halfopen/harness/suite/result"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

func TestRunsThatAreDoneAgainAreCompared(t *testing.T) {
	const (
		pass, fail, skip = result.Pass, result.Fail, result.Skip
		never            = result.NotRun
	)
	for _, tt := range []struct {
		name     string
		was, now []result.Status
		exit     int
		want     string
	}{
		{"all the same", []result.Status{pass, fail}, []result.Status{pass, fail}, 0, "same       a: pass, as before\nsame       b: fail, as before\n"},
		{"one is different", []result.Status{fail, fail}, []result.Status{pass, fail}, 1, "different  a: the run was fail, and is pass\nsame       b: fail, as before\n"},
		{"one cannot be done here", []result.Status{pass, pass}, []result.Status{pass, skip}, 3, "same       a: pass, as before\ndifferent  b: the run was pass, and is skip\n"},
		{"one cannot be done here, and one is different", []result.Status{pass, pass}, []result.Status{skip, fail}, 1, "different  a: the run was pass, and is skip\ndifferent  b: the run was pass, and is fail\n"},
		{"one was stopped", []result.Status{pass, pass}, []result.Status{fail, result.Canceled}, 130, "different  a: the run was pass, and is fail\nstopped    b\n"},
		{"one never began", []result.Status{pass, pass}, []result.Status{pass, never}, 130, "same       a: pass, as before\nstopped    b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &comparing{Tee: report.Tee{View: silentView{}}, all: []compared{{id: "a"}, {id: "b"}}}
			for _, s := range tt.was {
				v.was = append(v.was, result.Result{Status: s})
			}
			for i, s := range tt.now {
				if s != never {
					v.End(&result.Result{Run: result.Run{Scenario: &language.Scenario{}, Index: i}, Status: s})
				}
			}
			if v.exit() != tt.exit || v.text() != tt.want {
				t.Errorf("exit status %d, want %d:\n%swant\n%s", v.exit(), tt.exit, v.text(), tt.want)
			}
		})
	}
}

// silentView is a view that nobody looks at.
type silentView struct{ report.View }

func (silentView) End(*result.Result) {}
