// Package kernel probes what this machine's kernel can do. It never guesses from the version.
package kernel
