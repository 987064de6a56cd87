package language

import (
	"net/netip"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/pattern"
	"halfopen/internal/say"
)

// Resolv is how programs look for names that /etc/hosts does not have: the file resolv.conf(5).
type Resolv struct {
	Nameservers Names  `json:"nameservers" jsonschema:"required" jsonschema_description:"Up to 3 name servers: hosts of the lab, or addresses."`
	Options     string `json:"options,omitempty" jsonschema_description:"Options of resolv.conf(5), such as timeout:1 attempts:3."`
}

// DNS is a name server of the lab. It listens on port 53 of UDP and TCP, on every address of its host.
type DNS struct {
	Server    string   `yaml:",short" json:"server" jsonschema:"required" jsonschema_description:"The host that it is on."`
	Records   []Record `json:"records,omitempty" jsonschema_description:"Names, each with its addresses: hosts (server, server.2) or addresses, in this order. The hosts of the lab have records anyway."`
	HostsFile *bool    `json:"hosts-file,omitempty" jsonschema_description:"false: the lab's /etc/hosts has no hosts, so that their names are asked for, too. Default: true."`
}

// Record is a name and its addresses.
type Record struct {
	Name      string `yaml:",name" json:"name"`
	Addresses Names  `yaml:",value" json:"addresses"`
	Pos       Pos    `json:"pos,omitzero"`
}

// mostNameservers is MAXNS of resolv.h: the rest is ignored.
const mostNameservers = 3

// domainName matches names of hosts in the DNS (RFC 1123, section 2.1), and _service labels.
var domainName = pattern.New(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)

func (v *validation) resolution() {
	if r := v.s.Resolv; r != nil {
		if n := len(r.Nameservers); n > mostNameservers || n == 0 {
			v.errorf(code.LimitExceeded, &r.Nameservers, v.s.Pos,
				"%d name servers: want 1 to %d", n, mostNameservers)
		}
		for i := range r.Nameservers {
			v.hostAddress(&r.Nameservers[i], v.s.Pos, r.Nameservers[i])
		}
		if strings.ContainsAny(r.Options, "\n\r") {
			v.errorf(code.InvalidText, &r.Options, v.s.Pos,
				"invalid options %q: want one line", r.Options)
		}
	}
	if d := v.s.DNS; d != nil {
		v.host(&d.Server, v.s.Pos, d.Server, false)
		seen := map[string]bool{}
		for i := range d.Records {
			r := &d.Records[i]
			name := strings.ToLower(strings.TrimSuffix(r.Name, "."))
			switch {
			case len(r.Name) > 253 || !domainName.MatchString(r.Name):
				v.errorf(code.InvalidName, nil, r.Pos,
					"invalid name %q: want letters, digits, - and _, in parts joined by dots",
					r.Name)
			case seen[name]:
				v.errorf(code.DuplicateEntry, nil, r.Pos, "dns: %s is there twice", r.Name)
			}
			seen[name] = true
			for k := range r.Addresses {
				v.hostAddress(&r.Addresses[k], r.Pos, r.Addresses[k])
			}
		}
	}
	if v.s.RunsPrograms() {
		return
	}
	const nobody = "the scenario runs no program that could ask for names: steps know the hosts by themselves"
	if r := v.s.Resolv; r != nil {
		v.errorf(code.NoEffect, &r.Nameservers, v.s.Pos, nobody)
	}
	if d := v.s.DNS; d != nil {
		v.errorf(code.NoEffect, &d.Server, v.s.Pos, nobody)
	}
}

// hostAddress wants a host, one of its addresses (server.2, server.absent), or an address.
func (v *validation) hostAddress(field *string, pos Pos, text string) {
	if _, err := netip.ParseAddr(text); err == nil {
		return
	}
	if strings.Contains(text, ":") {
		v.errorf(code.InvalidAddress, field, pos,
			"invalid address %q: want a host or an address, without a port", say.Clip(text))
		return
	}
	v.packetAddress(field, pos, text)
}
