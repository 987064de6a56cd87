package network

import "halfopen/scenarios/language"

const congestionControl = language.CongestionControl

// pinned returns the kernel parameters that every host starts with, however the machine is tuned:
// the kernel's documented defaults (Documentation/networking/ip-sysctl.rst), and settings that keep
// a lab quiet. All are optional: a kernel that lacks one does not need it. tcp_syn_linear_timeouts
// is not pinned; its default differs by kernel, and scenarios show that.
//
// The wire has no TCP sockets, and so only the parameters of packets that it passes on or answers.
func pinned(host string, family language.Family) []language.Sysctl {
	var list []language.Sysctl
	if host != language.Wire {
		list = append(list, pinnedTCP...)
		list = append(list, pinnedConstants...)
	}
	list = append(list, pinnedIP...)
	if family == language.V6 {
		list = append(list,
			language.Sysctl{Name: "net.ipv6.icmp.ratelimit", Value: "0"},
			// Only packet too big, which the kernel does not ration (icmpv6_mask_allow).
			language.Sysctl{Name: "net.ipv6.icmp.ratemask", Value: "2"},
			language.Sysctl{Name: "net.ipv6.conf.default.accept_dad", Value: "0"},
			language.Sysctl{Name: "net.ipv6.conf.default.accept_ra", Value: "0"},
			language.Sysctl{Name: "net.ipv6.conf.default.router_solicitations", Value: "0"},
			// A link that goes down and up again keeps its addresses, as with IPv4.
			language.Sysctl{Name: "net.ipv6.conf.all.keep_addr_on_down", Value: "1"},
			language.Sysctl{Name: "net.ipv6.conf.default.keep_addr_on_down", Value: "1"},
		)
	} else {
		list = append(list,
			// Neighbour discovery and multicast reports would be noise in a capture.
			language.Sysctl{Name: "net.ipv6.conf.all.disable_ipv6", Value: "1"},
			language.Sysctl{Name: "net.ipv6.conf.default.disable_ipv6", Value: "1"},
		)
	}
	if host == language.Wire {
		forward := language.Sysctl{Name: "net.ipv4.ip_forward", Value: "1"}
		if family == language.V6 {
			forward.Name = "net.ipv6.conf.all.forwarding"
		}
		list = append(list, forward)
	}
	for i := range list {
		list[i].Optional = true
	}
	return list
}

// pinnedTCP are the parameters of hosts with TCP sockets.
var pinnedTCP = []language.Sysctl{
	{Name: congestionControl, Value: "cubic"},
	// One connection's knowledge of the path must not change the next.
	{Name: "net.ipv4.tcp_no_metrics_save", Value: "1"},
	{Name: "net.ipv4.tcp_rmem", Value: "4096 131072 6291456"},
	{Name: "net.ipv4.tcp_wmem", Value: "4096 16384 4194304"},
	// The defaults of these two depend on the size of the host's socket table, which is small
	// in a lab.
	{Name: "net.ipv4.tcp_max_tw_buckets", Value: "262144"},
	{Name: "net.ipv4.tcp_max_syn_backlog", Value: "4096"},
}

// pinnedConstants are parameters of hosts with TCP sockets to which a kernel gives the same value in
// every new namespace, whatever its others have (tcp_sk_init, inet_init_net, net_defaults_init_net).
var pinnedConstants = []language.Sysctl{
	{Name: "net.core.somaxconn", Value: "4096"},
	{Name: "net.ipv4.tcp_syn_retries", Value: "6"},
	{Name: "net.ipv4.tcp_synack_retries", Value: "5"},
	{Name: "net.ipv4.tcp_syncookies", Value: "1"},
	{Name: "net.ipv4.tcp_retries1", Value: "3"},
	{Name: "net.ipv4.tcp_retries2", Value: "15"},
	{Name: "net.ipv4.tcp_orphan_retries", Value: "0"},
	{Name: "net.ipv4.tcp_fin_timeout", Value: "60"},
	{Name: "net.ipv4.tcp_tw_reuse", Value: "2"},
	{Name: "net.ipv4.tcp_keepalive_time", Value: "7200"},
	{Name: "net.ipv4.tcp_keepalive_intvl", Value: "75"},
	{Name: "net.ipv4.tcp_keepalive_probes", Value: "9"},
	{Name: "net.ipv4.tcp_timestamps", Value: "1"},
	{Name: "net.ipv4.tcp_sack", Value: "1"},
	{Name: "net.ipv4.tcp_window_scaling", Value: "1"},
	{Name: "net.ipv4.tcp_abort_on_overflow", Value: "0"},
	{Name: "net.ipv4.ip_local_port_range", Value: "32768 60999"},
}

// pinnedIP are the parameters of all hosts.
var pinnedIP = []language.Sysctl{
	{Name: "net.ipv4.conf.all.rp_filter", Value: "0"},
	{Name: "net.ipv4.conf.default.rp_filter", Value: "0"},
	// ICMP errors are not rationed: neither those to one destination nor, by the mask, those of
	// the whole host or machine (net.ipv4.icmp_msgs_per_sec).
	{Name: "net.ipv4.icmp_ratelimit", Value: "0"},
	{Name: "net.ipv4.icmp_ratemask", Value: "0"},
}
