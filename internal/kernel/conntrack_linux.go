package kernel

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"halfopen/inject"

	"github.com/coreos/go-iptables/iptables"
)

// Masquerade finds out whether packets can be translated, which takes iptables, its nat table, and the kernel's connection
// tracking. It adds a rule and takes it away: it must be called in a network namespace that is the caller's alone. The error
// is a *inject.MissingError, without what needs it.
func Masquerade(v6 bool) error {
	protocol, program := iptables.ProtocolIPv4, "iptables"
	if v6 {
		protocol, program = iptables.ProtocolIPv6, "ip6tables"
	}
	const remedy = "load nf_conntrack, nf_nat and the nat table of iptables, or use a kernel that has them: run --kernel"
	t, err := iptables.New(iptables.IPFamily(protocol))
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return &inject.MissingError{Feature: "the program " + program, Remedy: "install it: make deps, or apt-get install iptables"}
	case err != nil:
		return &inject.MissingError{Feature: program, Err: err}
	}
	rule := []string{"-j", "MASQUERADE"}
	if err := t.Append("nat", "POSTROUTING", rule...); err != nil {
		return &inject.MissingError{Feature: "conntrack", Remedy: remedy, Err: firstLine(err)}
	}
	if err := t.Delete("nat", "POSTROUTING", rule...); err != nil {
		return fmt.Errorf("taking back the rule that was to try MASQUERADE: %w", err)
	}
	return nil
}

// firstLine keeps of an error of iptables, which prints several lines, the reason.
func firstLine(err error) error {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "]: "); ok {
		text = after
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return errors.New(text)
}
