// Package layout holds the rules of which package may import which. It has no code but the test that enforces them.
package layout
