// Package layout has only tests of the whole tree. They check which package imports which, that no
// public signature names an internal type, and that the links in the documents work.
package layout
