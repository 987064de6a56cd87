package harness

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// afford returns what the scenario asks of this machine and the machine does not have, before anything
// is built. The error is a *inject.MissingError. exec calls what starts programs.
//
// That a scenario translates addresses is guessed, for nothing in the language says so: a lab has no
// step for it, and scenarios run iptables or conntrack in a shell. See [translates].
func afford(s *language.Scenario, exec func(func() error) error) error {
	masquerade := func(needs string) error {
		return exec(func() error { return neededBy(kernel.Masquerade(s.Family == language.V6), needs) })
	}
	for i := range s.Actors {
		var err error
		language.EachStep(s.Actors[i].Steps, func(st *language.Step) {
			needs := fmt.Sprintf("step %s.%s", s.Actors[i].Name, st.ID)
			switch {
			case err != nil:
			case st.Op.Limit != nil:
				err = affordFiles(st.Op.Limit.Nofile, needs)
			case st.Op.Exec != nil && translates(st.Op.Exec.Command):
				err = masquerade(needs)
			}
		})
		if err != nil {
			return err
		}
	}
	for i := range s.Hosts {
		for _, sc := range s.Hosts[i].Sysctl {
			if strings.HasPrefix(sc.Name, "net.netfilter.nf_conntrack") && !sc.Optional {
				return masquerade(fmt.Sprintf("sysctl %s of %s", sc.Name, s.Hosts[i].Name))
			}
		}
	}
	return nil
}

// affordFiles compares a number of open files with the hard limit, which a lab cannot raise and its
// actors inherit.
func affordFiles(n int, needs string) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("asking for the limit of open files: %w", err)
	}
	if uint64(n) <= limit.Max {
		return nil
	}
	return &inject.MissingError{
		Feature:  fmt.Sprintf("a limit of %d open files", n),
		NeededBy: needs,
		Remedy:   fmt.Sprintf("raise the hard limit (ulimit -Hn %d, LimitNOFILE= of a service, --ulimit of a container), or ask for less", n),
		Err:      fmt.Errorf("the hard limit is %d", limit.Max),
	}
}

// translates reports whether a command seems to set up the translation of addresses: it names an
// iptables and "-t nat", or begins with conntrack. It may guess wrong. Where it misses a command, that
// command fails in the lab of a kernel without NAT, and the run with it, instead of being refused.
// Where it sees one too many, a kernel without NAT refuses a scenario that would have run.
func translates(command []string) bool {
	text := strings.Join(command, " ")
	if shell, ok := strings.CutPrefix(text, "sh -c "); ok {
		text = shell
	}
	return strings.Contains(text, "tables ") && strings.Contains(text, "-t nat") || strings.HasPrefix(text, "conntrack ")
}

// neededBy says in a MissingError what needs it.
func neededBy(err error, needs string) error {
	var lacking *inject.MissingError
	if errors.As(err, &lacking) {
		lacking.NeededBy = needs
	}
	return err
}
