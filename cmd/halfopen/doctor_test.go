package main

import (
	"testing"

	"halfopen/harness/suite"
)

func TestProbesAreValidScenarios(t *testing.T) {
	// A probe that the loader or the compiler refuses would report a healthy machine as broken.
	for i := range probes {
		p := &probes[i]
		t.Run(p.name, func(t *testing.T) {
			s, err := p.scenario()
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := suite.Plan(s); err != nil {
				t.Error(err)
			}
		})
	}
}
