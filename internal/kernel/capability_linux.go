package kernel

import (
	"fmt"
	"os"
	"strings"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

// CheckCapabilities says which of the capabilities that every lab needs are withheld from this process, which is root, as
// a container runtime may do. The error is a [inject.MissingError]. Where /proc does not say, nothing is known to be missing.
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
	}{{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}, {"CAP_NET_ADMIN", unix.CAP_NET_ADMIN}, {"CAP_NET_RAW", unix.CAP_NET_RAW}} {
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

// effective returns the effective capabilities of this process, if /proc tells them.
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
