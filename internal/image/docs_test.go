package image

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"halfopen/internal/kernel"
)

// blanks matches what may stand between two flags: blanks, the end of a line, also of one that goes on.
var blanks = regexp.MustCompile(`[\s\\]+`)

// Wherever a document or a workflow says how a container runs, it has the flags that halfopen names as
// the remedy.
func TestContainersHaveTheFlagsOfTheRemedy(t *testing.T) {
	root := filepath.Join("..", "..")
	for path, want := range map[string]int{
		"README.md": 1, "docs/faq.md": 1, "docs/ci.md": 3,
		".github/workflows/ci.yml": 2, ".github/workflows/kernels.yml": 1,
	} {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		all := blanks.ReplaceAllString(string(text), " ")
		if got := strings.Count(all, kernel.DockerFlags); got != want {
			t.Errorf("%s has the flags %d times, want %d: %s", path, got, want, kernel.DockerFlags)
		}
		if begun := strings.Count(all, "--cap-add SYS_ADMIN --cap-add"); begun != want {
			t.Errorf("%s begins with the flags %d times, and has all of them %d times", path, begun, want)
		}
	}
}

// The YAML of docs/ci.md is YAML.
func TestExamplesAreYAML(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(examples) == 0 {
		t.Fatal("there is none: the test proves nothing")
	}
	for _, m := range examples {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(m[1]), &v); err != nil {
			t.Errorf("%v:\n%s", err, m[1])
		}
	}
}
