package harness_test

import (
	"context"
	"fmt"
	"log"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/scenarios"
)

// Run a scenario of the library once and judge it. Labs and actors are the calling program, started
// again, so harness.Main comes first.
func ExampleRun() {
	harness.Main()

	f, err := scenarios.Builtin("connect-refused")
	if err != nil {
		log.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		log.Fatal(err)
	}
	t, err := harness.Run(context.Background(), cases[0], harness.Options{
		Seed: 1,
		Emit: func(e trace.Event) { fmt.Println(e.T, e.Kind()) },
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range assertions.Check(cases[0], t) {
		fmt.Println(v.Status, v.Title)
	}
}
