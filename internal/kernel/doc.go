// Package kernel says what this machine's kernel can do: probed, never guessed from its version.
package kernel
