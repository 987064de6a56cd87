package harness

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/sandbox"
	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/sysctl"
	"halfopen/scenarios/language"
)

// afford checks, before anything is built, that this machine has what the scenario asks of it. The
// error is a *inject.MissingError. exec calls functions that start programs.
//
// Whether a scenario translates addresses is a guess: the language has no step for it, and
// scenarios run iptables or conntrack in a shell. See [translates].
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
				if err == nil && st.Op.Limit.Processes != 0 {
					err = neededBy(sandbox.CanLimitProcesses(), needs)
				}
			case st.Op.Launch() != nil && translates(st.Op.Launch().Command):
				err = masquerade(needs)
			}
		})
		if err != nil {
			return err
		}
	}
	for _, list := range settingsOf(s) {
		for _, set := range list {
			if tracked(set.Name) && !isMachineWide(set.Name) && !set.Optional {
				return masquerade(fmt.Sprintf("sysctl %s of %s", set.Name, set.NeededBy))
			}
		}
	}
	return nil
}

// affordSteps checks, when the network has been built, that the parameters which steps set can be
// set, and that the kernel has the congestion controls which they ask for. Parameters of devices are
// left to the steps: a program may make the device first.
func affordSteps(s *language.Scenario, n *network.Network) error {
	for _, list := range settingsOf(s) {
		for _, set := range list {
			var err error
			switch {
			case !set.ByStep || set.Optional:
			case set.Name == language.CongestionControl:
				err = neededBy(network.TryCongestionControl(set.Value), set.NeededBy)
			case sysctl.Device(set.Name) == "":
				err = n.Host(set.Host).CanSetSysctl(set.Name, set.NeededBy)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// affordFiles checks a number of open files against the hard limit. A lab cannot raise it, and its
// actors inherit it.
func affordFiles(n int, needs string) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
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

// translates reports whether a command seems to set up address translation: it contains "tables "
// and "-t nat", or begins with conntrack. The guess may be wrong. On a kernel without NAT, a
// command that it misses fails in the lab, and the run with it, instead of being refused; a command
// that it takes for one by mistake gets a scenario refused that would have run.
func translates(command []string) bool {
	text := strings.Join(command, " ")
	if shell, ok := strings.CutPrefix(text, "sh -c "); ok {
		text = shell
	}
	return strings.Contains(text, "tables ") && strings.Contains(text, "-t nat") ||
		strings.HasPrefix(text, "conntrack ")
}

// neededBy sets NeededBy if err is a MissingError.
func neededBy(err error, needs string) error {
	var lacking *inject.MissingError
	if errors.As(err, &lacking) {
		lacking.NeededBy = needs
	}
	return err
}
