// Package testlab is what tests share: one way to skip what this machine cannot do, one way to compare
// with golden files, and namespaces for tests. Nothing but tests may import it.
//
// Two switches decide what runs. HALFOPEN_CI=1 in the environment makes each skip for lack of a
// capability a failure: nobody looks at skips in CI. -short leaves out what needs a lab, and keeps the
// pure tests and one lab; see [Long].
package testlab
