package harness_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"halfopen/harness"
	"halfopen/inject"
	"halfopen/internal/testlab"
)

// withoutPortsEnv is set for a test that runs again without CAP_NET_BIND_SERVICE.
const withoutPortsEnv = "HALFOPEN_TEST_WITHOUT_PORTS"

// A container runtime may withhold from root the capability to bind ports below 1024. That is a lack
// of the machine, not a failure of the scenario.
func TestPortsBelow1024NeedTheirCapability(t *testing.T) {
	needLab(t)
	if os.Getenv(withoutPortsEnv) == "" {
		if os.Geteuid() != 0 {
			t.Skip("in a user namespace, a lab has every capability")
		}
		testlab.NeedProgram(t, "setpriv")
		again := exec.Command("setpriv", "--bounding-set", "-net_bind_service", os.Args[0],
			"-test.run=^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), withoutPortsEnv+"=1")
		out, err := again.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("without CAP_NET_BIND_SERVICE: %v\n%s", err, out)
		}
		return
	}
	const text = `
name: port
title: A server on a port below 1024
hosts: {server: {SYSCTL}}
actors: {server: [{listen: {port: PORT}}]}
expect: [{step: server.listen}]
`
	for _, c := range []struct{ name, port, sysctl, want string }{
		{"a port for everybody", "1024", "", ""},
		{"a port of the host for everybody", "80", "sysctl: {net.ipv4.ip_unprivileged_port_start: 80}", ""},
		{
			"a port for the capability", "80", "",
			"CAP_NET_BIND_SERVICE is not available here (needed by test.yaml:5:19: the port below 1024 of step server.listen): " +
				"operation not permitted; in a container, run it with: docker run --cap-add NET_BIND_SERVICE ...",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := only(t, strings.NewReplacer("PORT", c.port, "SYSCTL", c.sysctl).Replace(text))[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			var missing *inject.MissingError
			switch {
			case c.want == "" && err == nil:
				for _, e := range tr.Events {
					if e.Step != nil && e.Step.Errno != "" {
						t.Errorf("%s ends with %s", e.Step.ID, e.Step.Errno)
					}
				}
			case !errors.As(err, &missing) || err.Error() != c.want:
				t.Errorf("Run returns %v\nwant %q", err, c.want)
			}
		})
	}
}
