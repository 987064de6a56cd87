// Package suite runs many scenarios: which of their cases, where, how often, and with what evidence.
//
//	cases, err := suite.Expand(files, nil)           // the cases of scenario files
//	cases, err = suite.Pick(cases, "retries=3")      // some of them
//	s, err := suite.New(cases, suite.Options{})      // each at its place: here, or in a virtual machine
//	results, err := s.Run(ctx, nil)                  // run, judged, stored
//
// Each word has one meaning here. A case is a scenario with its parameters set, for one IP version. A [Run] is one run of
// a case; a case that is repeated, or run on several kernels, has several. A [Place] is where a run takes place. Jobs is
// how many runs go on at once. A [Result] is a run and what came of it.
//
// Labs, actors and the guests of virtual machines are the calling program, started again. A program that calls
// [Suite.Run] must therefore call [Main] first thing in its main function; a test does so in TestMain.
package suite
