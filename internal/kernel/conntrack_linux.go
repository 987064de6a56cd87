package kernel

import (
	"fmt"

	"halfopen/inject"
	"halfopen/internal/iptables"
)

// Masquerade checks whether packets can be translated, which needs iptables, its nat table, and the
// kernel's connection tracking. It adds a rule and removes it again, so it must be called in a
// network namespace that only the caller uses. If something is missing, the error is a
// *inject.MissingError without NeededBy.
//
// Any thread of the caller may do it: all must be in that namespace.
func Masquerade(v6 bool) error {
	return iptables.Within(v6, func() error { return masquerade(v6) })
}

func masquerade(v6 bool) error {
	const remedy = "load nf_conntrack, nf_nat and the nat table of iptables, or use a kernel that has them: run --kernel"
	t, err := iptables.New(v6)
	switch {
	case iptables.Missing(err):
		return &inject.MissingError{
			Feature: "the program " + iptables.Program(v6),
			Remedy:  "install it: make deps, or apt-get install iptables",
		}
	case err != nil:
		return &inject.MissingError{Feature: iptables.Program(v6), Err: err}
	}
	rule := []string{"-j", "MASQUERADE"}
	if err := t.Append("nat", "POSTROUTING", rule...); err != nil {
		if reason, ok := iptables.Failed(err); ok {
			return &inject.MissingError{Feature: "conntrack", Remedy: remedy, Err: reason}
		}
		return fmt.Errorf("trying MASQUERADE: %w", err)
	}
	if err := t.Delete("nat", "POSTROUTING", rule...); err != nil {
		return fmt.Errorf("removing the rule that tested MASQUERADE: %w", err)
	}
	return nil
}
