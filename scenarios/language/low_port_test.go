package language

import "testing"

func TestLowPort(t *testing.T) {
	for _, c := range []struct {
		name, server, steps string
		want                string
	}{
		{"a port below 1024", "", "[{listen: {port: 80}}]", "server.listen"},
		{"the first that needs no capability", "", "[{listen: {port: 1024}}]", ""},
		{"the last that needs one", "", "[{socket: tcp}, {bind: {port: 1023}}]", "server.bind"},
		{"any port", "", "[{socket: tcp}, {bind: {port: 0}}]", ""},
		{"a step in a loop", "", "[{repeat: {times: 2, steps: [{socket: udp}, {bind: {port: 53}}, close]}}]", "server.bind"},
		{"the host allows them", "sysctl: {net.ipv4.ip_unprivileged_port_start: 80}", "[{listen: {port: 80}}]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("test.yaml", []byte(`
name: test
title: A server that binds a port
hosts: {server: {`+c.server+`}}
actors: {server: `+c.steps+`}
expect: [{never: {host: server, state: SYN_SENT}}]
`))
			if err != nil {
				t.Fatal(err)
			}
			runs, err := f.Expand(nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if a, st := runs[0].LowPort(); st != nil {
				got = a.Name + "." + st.ID
			}
			if got != c.want {
				t.Errorf("the first low port is that of %q, want %q", got, c.want)
			}
		})
	}
}
