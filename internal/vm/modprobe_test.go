package vm

import (
	"strings"
	"testing"
)

// The aliases are those of Linux 6.1 and 6.12.
func TestAliasesLeadToModules(t *testing.T) {
	for alias, want := range map[string]string{
		"iptable_raw":              "iptable_raw",
		"ipt_ecn":                  "ipt_ecn xt_ecn",
		"ip6t_connlimit":           "ip6t_connlimit xt_connlimit",
		"ipt_TTL":                  "ipt_TTL xt_TTL xt_HL",
		"ipt_DNAT":                 "ipt_DNAT xt_DNAT xt_nat",
		"nft-expr-limit":           "nft_expr_limit nft_limit",
		"nft-expr-2-reject":        "nft_expr_2_reject nft_reject_ipv4 nft_reject",
		"nft-chain-10-nat":         "nft_chain_10_nat nft_chain_nat_ipv6 nft_chain_nat",
		"nf-logger-2-0":            "nf_logger_2_0 nf_log_syslog",
		"nfct-helper-ftp":          "nfct_helper_ftp nf_conntrack_ftp",
		"rtnl-link-vxlan":          "rtnl_link_vxlan vxlan",
		"net-sch-fq":               "net_sch_fq sch_fq",
		"tcp_bbr":                  "tcp_bbr",
		"ip_set_hash:ip,port":      "ip_set_hash_ipport",
		"net-pf-16-proto-4-type-1": "net_pf_16_proto_4_type_1 unix_diag",
		"net-pf-16-proto-18":       "net_pf_16_proto_18",
	} {
		if got := strings.Join(modulesFor(alias), " "); got != want {
			t.Errorf("%s leads to %q, want %q", alias, got, want)
		}
	}
}
