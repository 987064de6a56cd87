// Package language is the language of halfopen: the types a YAML scenario is made of, the loader that reads them, and the
// checks that refuse what cannot be meant.
//
// A file is read once by [Load] and expanded by [File.Expand] into plain [Scenario] values, one for each case and IP
// family, with every ${param} replaced. Everything downstream (the fault compiler, the harness, the assertions) sees only
// such expanded scenarios. They survive a round trip through encoding/json unchanged: that is how they reach the lab.
//
// The package does not import what is made of it: no network, no lab, no trace.
package language
