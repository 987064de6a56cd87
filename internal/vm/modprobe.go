package vm

import "strings"

// modprobePath is the program that the guest's kernel runs to load a module: the init again. This path
// leads there from the root directory of the machine, too. The arguments are "-q", "--" and an alias of
// the module, as in the files of modules.
const modprobePath = "/proc/1/exe"

// foundModulesPath is the file of a guest that lists the kernel's modules, "NAME PATH" in each line.
const foundModulesPath = temporary + "/modules"

// aliases are prefixes of aliases, with the prefixes of the names of their modules.
var aliases = []struct{ alias, module string }{
	{"ipt_", "xt_"},
	{"ip6t_", "xt_"},
	{"arpt_", "xt_"},
	{"nft_expr_", "nft_"},
	{"nft_chain_", "nft_chain_"},
	{"nfct_helper_", "nf_conntrack_"},
	{"rtnl_link_", ""},
	{"net_sch_", "sch_"},
	{"net_cls_", "cls_"},
	{"net_act_", "act_"},
	{"tcp_ulp_", ""},
}

// others are the modules whose names do not follow from their aliases, by the name that would.
var others = map[string]string{
	"xt_tcp": "xt_tcpudp", "xt_udp": "xt_tcpudp", "xt_ttl": "xt_hl", "xt_TTL": "xt_HL",
	"xt_SNAT": "xt_nat", "xt_DNAT": "xt_nat", "xt_MARK": "xt_mark", "xt_CONNMARK": "xt_connmark",
	"xt_NOTRACK": "xt_CT", "xt_tos": "xt_dscp", "xt_TOS": "xt_DSCP", "xt_SET": "xt_set",
	"nf_conntrack_2": "nf_conntrack", "nf_conntrack_10": "nf_conntrack",
	"nf_logger_2_0": "nf_log_syslog", "nf_logger_10_0": "nf_log_syslog",
	"nf_logger_2_1": "nfnetlink_log", "nf_logger_10_1": "nfnetlink_log",
	"nfnetlink_subsys_4": "nfnetlink_log", "nfnetlink_subsys_6": "ip_set",
	// ss -x, -0 and -w
	"net_pf_16_proto_4_type_1": "unix_diag", "net_pf_16_proto_4_type_17": "af_packet_diag",
	"net_pf_16_proto_4_type_2_255": "raw_diag",
}

// families are the ends of the names of modules for one family of addresses.
var families = map[string]string{"1": "_inet", "2": "_ipv4", "10": "_ipv6"}

// modulesFor returns the names of the modules that may be meant by an alias, in the order in which
// they are tried. The packages of kernels have no index of aliases, and to read all modules would take
// seconds.
func modulesFor(alias string) []string {
	name := strings.NewReplacer("-", "_", ":", "_", ",", "").Replace(alias)
	names := []string{name}
	for _, a := range aliases {
		rest, ok := strings.CutPrefix(name, a.alias)
		if !ok {
			continue
		}
		// nft-expr-2-limit is that for one family.
		if family, after, ok := strings.Cut(rest, "_"); ok && families[family] != "" {
			names, rest = append(names, a.module+after+families[family]), after
		}
		names = append(names, a.module+rest)
	}
	if other := others[names[len(names)-1]]; other != "" {
		names = append(names, other)
	}
	return names
}
