// Package image has the Dockerfile of the image with halfopen, and the tests of it and of the GitHub
// action in .github/actions/halfopen.
package image
