// Package language is the language of halfopen: the types that a YAML scenario consists of, the
// loader that reads them, and the checks that refuse mistakes.
//
// A file is read once by [Load] and expanded by [File.Expand] into plain [Scenario] values, one for
// each case and IP version, with every ${param} replaced. Everything downstream (the fault
// compiler, the harness, the assertions) sees only such expanded scenarios. They survive a round
// trip through encoding/json unchanged: that is how they reach the lab.
//
// The package imports nothing of its users: no network, no lab, no trace.
package language
