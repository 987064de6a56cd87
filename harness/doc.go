// Package harness runs a scenario: it is the one place that knows the order of a run.
//
//	sandbox -> network -> observers on -> faults in -> actors -> observers off
//
// [Run] works in the calling process: it starts a lab, which is this same program run again as PID 1 of fresh namespaces,
// gives it the scenario and collects the trace. The lab in turn starts one actor process for each actor. A program that
// calls Run must therefore call [Main] first thing in its main function.
package harness
