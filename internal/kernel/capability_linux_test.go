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
	testCapabilities(t, &ofPrograms, map[string]string{
		"CapEff:\t000001ffffffffff\n": "",
		"CapEff:\t0000000000203000\n": "CAP_SETPCAP and CAP_SYS_CHROOT are not available here (needed by programs of a scenario): operation not permitted; " +
			"in a container, run it with: docker run --cap-add SETPCAP --cap-add SYS_CHROOT ...",
	})
}

func TestCheckPortCapabilities(t *testing.T) {
	testCapabilities(t, &ofPorts, map[string]string{
		"CapEff:\t0000000000203400\n": "",
		"CapEff:\t0000000000203000\n": "CAP_NET_BIND_SERVICE is not available here (needed by ports below 1024): operation not permitted; " +
			"in a container, run it with: docker run --cap-add NET_BIND_SERVICE ...",
	})
}

// testCapabilities compares what is missing, by the text of /proc/self/status.
func testCapabilities(t *testing.T, needed *capabilities, wanted map[string]string) {
	t.Helper()
	for status, want := range wanted {
		got := ""
		if err := needed.check(files{"/proc/self/status": status}.read); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got  %s\nwant %s", status, got, want)
		}
	}
}
