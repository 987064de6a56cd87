// Package suite runs many scenarios. It picks their cases, decides where and how often they run,
// and stores the evidence.
//
//	cases, err := suite.Expand(files, nil)           // the cases of scenario files
//	cases, err = suite.Pick(cases, "retries=3")      // some of them
//	s, err := suite.New(cases, suite.Options{})      // each at its place: here, or in a virtual machine
//	results, err := s.Run(ctx, nil)                  // run, judged, stored
//
// A case is a scenario with its parameters set, for one IP version. A [Run] is one run of a case; a
// case that is repeated, or run on several kernels, has several. A [Place] is where a run takes
// place. Jobs is the number of runs at once. A [Result] is a run and its outcome.
//
// Labs, actors and the guests of virtual machines are the calling program, started again. A program
// that calls [Suite.Run] must therefore call [Main] first in its main function, a test in TestMain.
package suite
