package kernel

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"halfopen/inject"

	"github.com/coreos/go-iptables/iptables"
)

// Masquerade checks whether packets can be translated, which needs iptables, its nat table, and the
// kernel's connection tracking. It adds a rule and removes it again, so it must be called in a
// network namespace that only the caller uses. If something is missing, the error is a
// *inject.MissingError without NeededBy.
func Masquerade(v6 bool) error {
	protocol, program := iptables.ProtocolIPv4, "iptables"
	if v6 {
		protocol, program = iptables.ProtocolIPv6, "ip6tables"
	}
	const remedy = "load nf_conntrack, nf_nat and the nat table of iptables, or use a kernel that has them: run --kernel"
	t, err := iptables.New(iptables.IPFamily(protocol))
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return &inject.MissingError{
			Feature: "the program " + program, Remedy: "install it: make deps, or apt-get install iptables",
		}
	case err != nil:
		return &inject.MissingError{Feature: program, Err: err}
	}
	rule := []string{"-j", "MASQUERADE"}
	if err := t.Append("nat", "POSTROUTING", rule...); err != nil {
		return &inject.MissingError{Feature: "conntrack", Remedy: remedy, Err: firstLine(err)}
	}
	if err := t.Delete("nat", "POSTROUTING", rule...); err != nil {
		return fmt.Errorf("removing the rule that tested MASQUERADE: %w", err)
	}
	return nil
}

// firstLine returns the reason in an error of iptables, which has several lines.
func firstLine(err error) error {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "]: "); ok {
		text = after
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return errors.New(text)
}
