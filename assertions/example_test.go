package assertions_test

import (
	"fmt"
	"log"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Check compares the expectations of a scenario with a trace, either just recorded or read from a
// file.
func ExampleCheck() {
	f, err := language.Parse("refused.yaml", []byte(`
name: refused
title: Nothing listens
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: ETIMEDOUT}
`))
	if err != nil {
		log.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		log.Fatal(err)
	}
	t := &trace.Trace{}
	t.Add(trace.Event{T: 1 * time.Millisecond, Start: &trace.Start{}})
	t.Add(trace.Event{T: 2 * time.Millisecond, Step: &trace.Step{
		Actor: "client", ID: "connect", Op: "connect", N: 1, Began: time.Millisecond, Errno: "ECONNREFUSED", Result: -1,
	}})
	t.Add(trace.Event{T: 3 * time.Millisecond, End: &trace.End{Reason: "done"}})

	verdicts := assertions.Check(cases[0], t)
	for _, v := range verdicts {
		if v.Status == assertions.Fail {
			fmt.Printf("%s\n  wanted %s\n  saw    %s\n", v.Title, v.Want, v.Got)
		}
	}
	fmt.Println("failed:", assertions.Failed(verdicts))
	// Output:
	// client.connect: ETIMEDOUT
	//   wanted ETIMEDOUT
	//   saw    ECONNREFUSED after 1ms
	// failed: true
}
