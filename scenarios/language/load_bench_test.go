package language

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkExpand measures the work that a run does before its lab is built.
func BenchmarkExpand(b *testing.B) {
	src, err := os.ReadFile(filepath.Join("testdata", "valid", "syn-retry-backoff.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f, err := Parse("bench.yaml", src)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Expand(nil); err != nil {
			b.Fatal(err)
		}
	}
}
