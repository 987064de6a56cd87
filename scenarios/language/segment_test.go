package language

import (
	"encoding/json"
	"testing"
)

func TestASegmentWithoutFlagsStaysOne(t *testing.T) {
	for flags, want := range map[string]string{
		"{flags: [], bytes: 5}":       "no flags, 5 bytes",
		"{flags: [SYN], bytes: 5}":    "SYN, 5 bytes",
		"{flags: SYN, bytes: 5}":      "SYN, 5 bytes",
		"{flags: \"${n}\", bytes: 5}": "5 bytes",
		"{bytes: 5}":                  "5 bytes",
	} {
		s := mustExpand(t, skeleton+someExpectation+`
params: {n: ~}
actors: {client: [{connect: "server:80"}, {segment: `+flags+`}]}
`, nil)[0]
		// It goes to the process of the actor as JSON.
		data, err := json.Marshal(s.Actors[0].Steps[1])
		if err != nil {
			t.Fatal(err)
		}
		var step Step
		if err := json.Unmarshal(data, &step); err != nil {
			t.Fatal(err)
		}
		if got := step.Op.Segment.Arguments(); got != want {
			t.Errorf("%s is read as %q, want %q", flags, got, want)
		}
	}
}
