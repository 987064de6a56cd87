// Package fault compiles faults (selector, trigger, action) to a [Plan], which is pure data and can
// be printed as the commands a person would type, and carries plans out with iptables and tc.
//
// Each action has a file with the function that compiles it. The table in compile.go lists them.
package fault
