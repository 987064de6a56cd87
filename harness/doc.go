// Package harness runs a scenario. It alone knows the order of a run:
//
//	sandbox -> network -> observers on -> faults in -> actors -> observers off
//
// [Run] starts a lab, which is the calling program run again as PID 1 of fresh namespaces, sends it
// the scenario and collects the trace. The lab in turn starts one process for each actor. A program
// that calls Run must therefore call [Main] first in its main function.
package harness
