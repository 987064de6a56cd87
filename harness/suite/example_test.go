package suite_test

import (
	"context"
	"fmt"
	"log"

	"halfopen/harness/suite"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// Run a case of the library three times and store the evidence below a directory.
func ExampleSuite_Run() {
	suite.Main() // labs, actors and guests are this program, started again

	f, err := scenarios.Builtin("syn-retry-backoff")
	if err != nil {
		log.Fatal(err)
	}
	cases, err := suite.Expand([]*language.File{f}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if cases, err = suite.Pick(cases, "retries=1"); err != nil {
		log.Fatal(err)
	}
	s, err := suite.New(cases, suite.Options{Repeat: 3, Seed: 7, Dir: "evidence"})
	if err != nil {
		log.Fatal(err)
	}
	results, err := s.Run(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	for i := range results.Kept {
		r := &results.Kept[i]
		switch r.Status {
		case suite.Pass, suite.Fail:
			fmt.Println(r.Status, r.ID(), r.Took, r.Dir)
		default:
			fmt.Println(r.Status, r.ID(), r.Err)
		}
	}
}

// Pick cases by parameters and by IP version.
func ExamplePick() {
	f, err := scenarios.Builtin("syn-retry-backoff")
	if err != nil {
		log.Fatal(err)
	}
	cases, err := suite.Expand([]*language.File{f}, nil)
	if err != nil {
		log.Fatal(err)
	}
	cases, err = suite.Pick(cases, "retries=1", "retries=3", "v6")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range cases {
		fmt.Println(c.ID())
	}
	// Output:
	// syn-retry-backoff retries=1 v6
	// syn-retry-backoff retries=3 v6
}
