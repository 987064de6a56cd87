package kernel

import "testing"

func TestCheckCapabilities(t *testing.T) {
	const remedy = " not available here (needed by every lab): operation not permitted; in a container, run it with: docker run " +
		"--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
	for _, c := range []struct {
		name, status, want string
	}{
		{"all", "Name:\thalfopen\nCapEff:\t000001ffffffffff\nCapBnd:\t0000000000000000\n", ""},
		{"a container's", "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n", "CAP_SYS_ADMIN and CAP_NET_ADMIN are" + remedy},
		{"all but NET_RAW", "CapEff:\t000001ffffffdfff\n", "CAP_NET_RAW is" + remedy},
		{"none", "CapEff:\t0000000000000000\n", "CAP_SYS_ADMIN and CAP_NET_ADMIN and CAP_NET_RAW are" + remedy},
		{"unreadable", "CapEff:\tmany\n", ""},
		{"not shown", "Name:\thalfopen\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ofLab.check(files{"/proc/self/status": c.status}.read)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if err := ofLab.check(files{}.read); err != nil {
		t.Errorf("without /proc: %v", err)
	}
}

func TestCheckProgramCapabilities(t *testing.T) {
	for status, want := range map[string]string{
		"CapEff:\t000001ffffffffff\n": "",
		"CapEff:\t0000000000203000\n": "CAP_SETPCAP and CAP_SYS_CHROOT are not available here (needed by programs of a scenario): operation not permitted; " +
			"in a container, run it with: docker run --cap-add SETPCAP --cap-add SYS_CHROOT ...",
	} {
		got := ""
		if err := ofPrograms.check(files{"/proc/self/status": status}.read); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got  %s\nwant %s", status, got, want)
		}
	}
}
