package kernel

import (
	"fmt"
	"os"
	"strings"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

// CheckCapabilities checks that this process, which runs as root, has the capabilities that every
// lab needs: a container runtime may withhold them. The error is a *[inject.MissingError] and names
// the missing ones. If /proc does not show the capabilities, the error is nil.
func CheckCapabilities() error { return checkCapabilities(os.ReadFile) }

func checkCapabilities(read func(string) ([]byte, error)) error {
	caps, known := effective(read)
	if !known {
		return nil
	}
	var withheld []string
	for _, c := range []struct {
		name string
		bit  uint
	}{
		{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN},
		{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN},
		{"CAP_NET_RAW", unix.CAP_NET_RAW},
	} {
		if caps&(1<<c.bit) == 0 {
			withheld = append(withheld, c.name)
		}
	}
	if len(withheld) == 0 {
		return nil
	}
	return &inject.MissingError{
		Feature: strings.Join(withheld, " and "), NeededBy: "every lab", Err: unix.EPERM,
		Remedy: "in a container, run it with: docker run " + DockerFlags,
	}
}

// effective returns the effective capabilities of this process. known is false if /proc does not
// show them.
func effective(read func(string) ([]byte, error)) (caps uint64, known bool) {
	status, err := read("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if digits, ok := strings.CutPrefix(line, "CapEff:"); ok {
			_, err := fmt.Sscanf(strings.TrimSpace(digits), "%x", &caps)
			return caps, err == nil
		}
	}
	return 0, false
}
