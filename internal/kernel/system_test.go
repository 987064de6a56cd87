package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/inject"
)

func TestCheckSystem(t *testing.T) {
	if err := CheckSystem("linux", "halfopen run"); err != nil {
		t.Errorf("on Linux: %v", err)
	}
	for _, system := range []string{"darwin", "windows"} {
		err := CheckSystem(system, "halfopen run")
		var missing *inject.MissingError
		if !errors.As(err, &missing) {
			t.Fatalf("on %s: %v, want a MissingError", system, err)
		}
		const want = "Linux is not available here (needed by halfopen run); use a Linux machine, or a container: docker run " +
			"--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
		if got := err.Error(); got != want {
			t.Errorf("on %s:\ngot  %s\nwant %s", system, got, want)
		}
	}
}

func TestDockerFlagsAreThoseOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if command := "`docker run " + DockerFlags + " ...`"; !strings.Contains(string(readme), command) {
		t.Errorf("README.md does not have %s", command)
	}
}
