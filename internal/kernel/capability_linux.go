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
func CheckCapabilities() error {
	return ofLab.check(os.ReadFile)
}

// CheckProgramCapabilities checks that this process can keep the programs of a scenario from the lab and
// from the machine, as [CheckCapabilities] does.
func CheckProgramCapabilities() error {
	return ofPrograms.check(os.ReadFile)
}

// CheckUserCapabilities checks that this process can run programs as other users than root, and give
// them signals and files, as [CheckCapabilities] does.
func CheckUserCapabilities() error { return ofUsers.check(os.ReadFile) }

// CheckPortCapabilities checks that this process can bind ports below 1024, as [CheckCapabilities]
// does.
func CheckPortCapabilities() error { return ofPorts.check(os.ReadFile) }

// capability is a capability by its name and its number.
type capability struct {
	name string
	bit  uint
}

// capabilities are what something needs, and the flags of docker run that give them.
type capabilities struct {
	neededBy, flags string
	list            []capability
}

var (
	ofLab = capabilities{"every lab", DockerFlags, []capability{
		{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN},
		{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN},
		{"CAP_NET_RAW", unix.CAP_NET_RAW},
	}}
	ofPrograms = capabilities{"programs of a scenario", "--cap-add SETPCAP --cap-add SYS_CHROOT ...", []capability{
		{"CAP_SETPCAP", unix.CAP_SETPCAP},
		{"CAP_SYS_CHROOT", unix.CAP_SYS_CHROOT},
	}}
	ofUsers = capabilities{"programs of another user", "--cap-add CHOWN --cap-add KILL --cap-add SETGID --cap-add SETUID ...", []capability{
		{"CAP_CHOWN", unix.CAP_CHOWN},
		{"CAP_KILL", unix.CAP_KILL},
		{"CAP_SETGID", unix.CAP_SETGID},
		{"CAP_SETUID", unix.CAP_SETUID},
	}}
	ofPorts = capabilities{"ports below 1024", "--cap-add NET_BIND_SERVICE ...", []capability{
		{"CAP_NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE},
	}}
)

func (c *capabilities) check(read func(string) ([]byte, error)) error {
	caps, known := effective(read)
	if !known {
		return nil
	}
	var withheld []string
	for _, one := range c.list {
		if caps&(1<<one.bit) == 0 {
			withheld = append(withheld, one.name)
		}
	}
	if len(withheld) == 0 {
		return nil
	}
	return &inject.MissingError{
		Feature: strings.Join(withheld, " and "), NeededBy: c.neededBy, Err: unix.EPERM,
		Remedy: "in a container, run it with: docker run " + c.flags,
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
