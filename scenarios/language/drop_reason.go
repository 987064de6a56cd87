package language

import (
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// DropReason is why a kernel discards a packet: a name of its enum skb_drop_reason, without
// SKB_DROP_REASON_.
type DropReason string

// DropReasons is a list of reasons; in YAML, one reason may stand for a list of one.
type DropReasons []DropReason

// dropReasonPrefix begins the names in the kernel's source.
const dropReasonPrefix = "SKB_DROP_REASON_"

// Set reads a reason as the kernel's source, dropwatch and perf write it, in upper or lower case.
func (r *DropReason) Set(text string) error {
	name := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), dropReasonPrefix)
	odd := func(c rune) bool { return c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') }
	if name == "" || len(name) > maxWord || strings.ContainsFunc(name, odd) {
		return code.Errorf(code.InvalidValue,
			"invalid reason %q: want a name of the kernel's enum skb_drop_reason, "+
				"such as TCP_CSUM", say.Clip(text))
	}
	*r = DropReason(name)
	return nil
}

// Known reports whether a kernel known to halfopen has the reason.
func (r DropReason) Known() bool { return slices.Contains(DropReasonNames(), string(r)) }

// OfFaults reports whether faults of a scenario make kernels discard packets for this reason: by
// rules of netfilter, by queueing disciplines and by their filters.
func (r DropReason) OfFaults() bool {
	return r == "NETFILTER_DROP" || strings.HasPrefix(string(r), "QDISC_") ||
		strings.HasPrefix(string(r), "TC_")
}

func dropReasonSchema(b *schemaBuilder, _ reflect.Type) *jsonschema.Schema {
	return b.define("DropReason", enumOf(DropReasonNames()),
		matching(`^([Ss][Kk][Bb]_[Dd][Rr][Oo][Pp]_[Rr][Ee][Aa][Ss][Oo][Nn]_)?[A-Za-z0-9_]+$`),
		b.parameter())
}

// unknownReasons returns a note for each reason of an expectation that no kernel known to halfopen
// has.
func (s *Scenario) unknownReasons() []*Error {
	var notes []*Error
	for i := range s.Expect {
		e := &s.Expect[i]
		if e.Drops == nil {
			continue
		}
		for _, r := range e.Drops.Drops.Reason {
			if !r.Known() {
				notes = append(notes, &Error{e.Pos, code.Errorf(code.UnknownDropReason,
					"no kernel known to halfopen has the drop reason %s%s", r,
					spell.DidYouMean(string(r), DropReasonNames()))})
			}
		}
	}
	return notes
}

// DropReasonNames returns the reasons of kernels up to Linux 6.18. A newer kernel may have more:
// the run then knows them.
func DropReasonNames() []string { return slices.Clone(dropReasons) }

var dropReasons = strings.Fields(`
NOT_SPECIFIED NO_SOCKET SOCKET_CLOSE SOCKET_FILTER SOCKET_RCVBUFF UNIX_DISCONNECT UNIX_SKIP_OOB
PKT_TOO_SMALL TCP_CSUM UDP_CSUM NETFILTER_DROP OTHERHOST IP_CSUM IP_INHDR IP_RPFILTER
UNICAST_IN_L2_MULTICAST XFRM_POLICY IP_NOPROTO PROTO_MEM TCP_AUTH_HDR TCP_MD5NOTFOUND
TCP_MD5UNEXPECTED TCP_MD5FAILURE TCP_AONOTFOUND TCP_AOUNEXPECTED TCP_AOKEYNOTFOUND TCP_AOFAILURE
SOCKET_BACKLOG TCP_FLAGS TCP_ABORT_ON_DATA TCP_ZEROWINDOW TCP_OLD_DATA TCP_OVERWINDOW TCP_OFOMERGE
TCP_RFC7323_PAWS TCP_RFC7323_PAWS_ACK TCP_RFC7323_TW_PAWS TCP_RFC7323_TSECR TCP_LISTEN_OVERFLOW
TCP_OLD_SEQUENCE TCP_INVALID_SEQUENCE TCP_INVALID_END_SEQUENCE TCP_INVALID_ACK_SEQUENCE TCP_RESET
TCP_INVALID_SYN TCP_CLOSE TCP_FASTOPEN TCP_OLD_ACK TCP_TOO_OLD_ACK TCP_ACK_UNSENT_DATA
TCP_OFO_QUEUE_PRUNE TCP_OFO_DROP IP_OUTNOROUTES BPF_CGROUP_EGRESS IPV6DISABLED NEIGH_CREATEFAIL
NEIGH_FAILED NEIGH_QUEUEFULL NEIGH_DEAD NEIGH_HH_FILLFAIL TC_EGRESS SECURITY_HOOK QDISC_DROP
QDISC_OVERLIMIT QDISC_CONGESTED CAKE_FLOOD FQ_BAND_LIMIT FQ_HORIZON_LIMIT FQ_FLOW_LIMIT
CPU_BACKLOG XDP TC_INGRESS UNHANDLED_PROTO SKB_BAD_GSO
SKB_CSUM SKB_GSO_SEG SKB_UCOPY_FAULT DEV_HDR DEV_READY
FULL_RING NOMEM HDR_TRUNC TAP_FILTER TAP_TXFILTER ICMP_CSUM INVALID_PROTO IP_INADDRERRORS
IP_INNOROUTES IP_LOCAL_SOURCE IP_INVALID_SOURCE IP_LOCALNET IP_INVALID_DEST PKT_TOO_BIG DUP_FRAG
FRAG_REASM_TIMEOUT FRAG_TOO_FAR TCP_MINTTL IPV6_BAD_EXTHDR IPV6_NDISC_FRAG IPV6_NDISC_HOP_LIMIT
IPV6_NDISC_BAD_CODE IPV6_NDISC_BAD_OPTIONS IPV6_NDISC_NS_OTHERHOST QUEUE_PURGE TC_COOKIE_ERROR
PACKET_SOCK_ERROR TC_CHAIN_NOTFOUND TC_RECLASSIFY_LOOP VXLAN_INVALID_HDR VXLAN_VNI_NOT_FOUND
MAC_INVALID_SOURCE VXLAN_ENTRY_EXISTS NO_TX_TARGET IP_TUNNEL_ECN TUNNEL_TXINFO LOCAL_MAC
ARP_PVLAN_DISABLE MAC_IEEE_MAC_CONTROL BRIDGE_INGRESS_STP_STATE CAN_RX_INVALID_FRAME
CANFD_RX_INVALID_FRAME CANXL_RX_INVALID_FRAME PFMEMALLOC DUALPI2_STEP_DROP PSP_INPUT PSP_OUTPUT
RECURSION_LIMIT
`)
