package harness

import (
	"errors"
	"testing"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

func TestFilesBeyondTheHardLimitAreMissing(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max > 1<<40 {
		t.Skip("this machine sets no hard limit")
	}
	if err := affordFiles(int(limit.Max), "step a.limit"); err != nil {
		t.Errorf("the hard limit itself: %v", err)
	}
	var lacking *inject.MissingError
	if err := affordFiles(int(limit.Max)+1, "step a.limit"); !errors.As(err, &lacking) || lacking.NeededBy != "step a.limit" {
		t.Errorf("one more: %v", err)
	}
}

func TestCommandsThatTranslateAreKnown(t *testing.T) {
	for command, want := range map[string]bool{
		"iptables -t nat -A POSTROUTING -j MASQUERADE":    true,
		"sysctl -a; ip6tables -w -t nat -A INPUT -j SNAT": true,
		"conntrack -D":              true,
		"iptables -A INPUT -j DROP": false,
		"ss -tan -t nat":            false,
		"echo conntrack ":           false,
	} {
		if got := translates([]string{"sh", "-c", command}); got != want {
			t.Errorf("%s: %v", command, got)
		}
	}
}
