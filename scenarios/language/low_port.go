package language

import "slices"

const (
	// lowPorts is the default of [lowPortsSysctl]: below it, only CAP_NET_BIND_SERVICE can bind.
	lowPorts       = 1024
	lowPortsSysctl = "net.ipv4.ip_unprivileged_port_start"
)

// LowPort returns the first step that binds a socket to a port below 1024, which Linux allows only
// with CAP_NET_BIND_SERVICE, and its actor; nil if there is none. The scenario decides for itself
// about hosts with a net.ipv4.ip_unprivileged_port_start of their own.
func (s *Scenario) LowPort() (actor *Actor, step *Step) {
	for i := range s.Actors {
		a := &s.Actors[i]
		if h := s.Host(a.Host); h != nil && slices.ContainsFunc(h.Sysctl, func(p Sysctl) bool {
			return p.Name == lowPortsSysctl
		}) {
			continue
		}
		EachStep(a.Steps, func(st *Step) {
			b, ok := st.Op.Operation().(Binding)
			if ok && step == nil && 0 < b.LocalPort() && b.LocalPort() < lowPorts {
				actor, step = a, st
			}
		})
	}
	return actor, step
}
