package language

import (
	"cmp"
	"strings"
	"time"
)

// SysctlOp sets kernel parameters of a host.
type SysctlOp struct {
	Host string   `json:"host,omitempty" jsonschema_description:"The host, or wire. Default: the actor's host."`
	Set  []Sysctl `yaml:",short" json:"set" jsonschema_description:"Names and values, such as {net.ipv4.tcp_fin_timeout: 2}."`
}

func (s *SysctlOp) check(v *validation, _ *Actor, st *Step) {
	if v.has(&s.Host) {
		v.host(&s.Host, st.Pos, s.Host, true)
	}
	v.sysctls(s.Set)
}

func (*SysctlOp) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*SysctlOp) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*SysctlOp) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the names and values, after the host if the step names one.
func (s *SysctlOp) Arguments() string {
	settings := make([]string, len(s.Set))
	for i, set := range s.Set {
		settings[i] = set.Name + "=" + set.Value
	}
	text := strings.Join(settings, ", ")
	if s.Host != "" {
		text = s.Host + ": " + text
	}
	return text
}

// AtHost fills in the host.
func (s *SysctlOp) AtHost(host string) Op {
	return Op{Sysctl: &SysctlOp{Host: cmp.Or(s.Host, host), Set: s.Set}}
}
