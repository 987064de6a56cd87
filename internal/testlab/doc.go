// Package testlab has the helpers that tests share: one way to skip a test that this machine cannot
// run, one way to compare with golden files, and namespaces for tests. Only tests may import it.
//
// Two switches decide which tests run. HALFOPEN_CI=1 in the environment turns each skip for a
// missing capability into a failure, because nobody looks at skips in CI. -short leaves out the
// tests that need a lab, and keeps the pure tests and one lab; see [Long].
package testlab
