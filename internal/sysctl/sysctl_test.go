package sysctl

import (
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, parameter string
		known           bool
		scope           Scope
		unit            time.Duration
	}{
		{"a count", "net.ipv4.tcp_syn_retries", true, Namespace, 0},
		{"a time in seconds", "net.ipv4.tcp_fin_timeout", true, Namespace, time.Second},
		{"a time in milliseconds", "net.ipv4.tcp_rto_max_ms", true, Namespace, time.Millisecond},
		{"a time in microseconds", "net.ipv4.tcp_rto_min_us", true, Namespace, time.Microsecond},
		{"of a device", "net.ipv4.conf.eth0.rp_filter", true, Namespace, 0},
		{"of a neighbour table", "net.ipv6.neigh.lo.gc_stale_time", true, Namespace, time.Second},
		{"of the machine", "net.ipv4.tcp_max_orphans", true, Machine, 0},
		{"of the machine, by its old name", "net.nf_conntrack_max", true, Machine, 0},
		{"to be read in a namespace", "net.core.rmem_max", true, Machine, 0},
		{"of all neighbour tables", "net.ipv4.neigh.default.gc_thresh1", true, Machine, 0},
		{"to be read only", "net.ipv4.tcp_available_congestion_control", true, ReadOnly, 0},
		{"of no known kernel", "net.ipv4.tcp_nonsense", false, Namespace, 0},
		{"of no device", "net.ipv4.conf.eth0.tcp_sack", false, Namespace, 0},
		{"a folder", "net.ipv4", false, Namespace, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, known := Find(c.parameter)
			if known != c.known || p.Scope != c.scope || p.Unit != c.unit {
				t.Errorf("%+v, %t", p, known)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		name, parameter string
		scope           Scope
		want            string
	}{
		{"two letters swapped", "net.ipv4.tcp_syn_retires", Namespace, "net.ipv4.tcp_syn_retries"},
		{"a device's", "net.ipv4.conf.eth0.rpfilter", Namespace, "net.ipv4.conf.eth0.rp_filter"},
		{"only that of the machine is near", "net.ipv4.tcp_max_orphanz", Namespace, ""},
		{"that of the machine", "net.ipv4.tcp_max_orphanz", Machine, "net.ipv4.tcp_max_orphans"},
		{"nothing is near", "net.ipv4.absolutely_nothing", Namespace, ""},
		{"the folder is unknown", "net.ipv5.tcp_syn_retries", Namespace, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Nearest(c.parameter, c.scope); got != c.want {
				t.Errorf("Nearest: %q, want %q", got, c.want)
			}
		})
	}
}

func TestFoldersAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		"net.ipv4.x": true, "net.ipv4.conf.eth7.x": true, "net.ipv6.icmp.x": true,
		"net.sctp.x": false, "net.ipv4.vs.x": false,
	} {
		if got := HasFolder(name); got != want {
			t.Errorf("HasFolder(%q) is %t", name, got)
		}
	}
}
