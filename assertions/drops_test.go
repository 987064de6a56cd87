package assertions

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"halfopen/harness/trace"
)

// drop adds a drop of a segment, as its host's kernel reports it.
func (p *tape) drop(at time.Duration, host, reason string, s seen) {
	ip := &layers.IPv4{
		Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.ParseIP(s.src).To4(),
		DstIP: net.ParseIP(s.dst).To4(),
	}
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.sport), DstPort: layers.TCPPort(s.dport), Seq: s.seq, Ack: s.ack,
		SYN: strings.Contains(s.flags, "S"), ACK: strings.Contains(s.flags, "A"),
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ip, tcp,
		gopacket.Payload(s.data))
	if err != nil {
		panic(err)
	}
	p.add(at, trace.Event{Drop: &trace.Drop{
		TCPSocket: trace.TCPSocket{Host: host}, Reason: reason, Location: "tcp_v4_rcv",
		Packet: buf.Bytes(),
	}})
}

// routeless adds a drop of a packet that found no way, of which only the socket is known.
func (p *tape) routeless(at time.Duration) {
	p.add(at, trace.Event{Drop: &trace.Drop{
		TCPSocket: trace.TCPSocket{
			Host: "client", State: "SYN_SENT", Local: clientAddr + ":41234", Remote: serverAddr + ":8080",
		},
		Reason: "IP_OUTNOROUTES", Location: "__ip_queue_xmit",
	}})
}

func TestDropExpectations(t *testing.T) {
	reasons := []string{"IP_OUTNOROUTES", "NETFILTER_DROP", "TCP_CSUM", "TCP_OLD_DATA", "FROM_TOMORROW"}
	recorded := func(watched *trace.Tracepoints, record func(*tape)) func(*tape) *trace.Trace {
		return func(p *tape) *trace.Trace {
			for i := range p.tr.Events {
				if p.tr.Events[i].Tracepoints != nil {
					p.tr.Events[i].Tracepoints = watched
				}
			}
			p.packet(0, toServer("S", 1000, 0, ""))
			p.step("client.connect", 0, second, nil)
			if record != nil {
				record(p)
			}
			return p.end(9*second, "done")
		}
	}
	drops := func(record func(*tape)) func(*tape) *trace.Trace {
		return recorded(&trace.Tracepoints{DropReasons: reasons}, record)
	}
	data := func(seq uint32) seen { return toServer("A", seq, 1, "hello") }
	two := drops(func(p *tape) {
		p.drop(2*second, "server", "TCP_CSUM", data(1001))
		p.drop(3*second, "server", "TCP_CSUM", data(1006))
		p.drop(3*second, "server", "TCP_OLD_DATA", toServer("A", 1001, 1, ""))
		p.drop(3*second, "client", "TCP_CSUM", toClient("A", 1, 1006, "hi"))
	})
	lossy := drops(func(p *tape) {
		p.drop(2*second, "server", "TCP_CSUM", data(1001))
		p.add(9*second, trace.Event{Lost: &trace.Lost{Host: "server", Events: trace.Drops, N: 70}})
		p.add(9*second, trace.Event{Lost: &trace.Lost{Host: "client", Events: trace.Resets, N: 7}})
	})
	kernelLost := func(n uint64, record func(*tape)) func(*tape) *trace.Trace {
		return drops(func(p *tape) {
			record(p)
			p.add(9*second, trace.Event{Lost: &trace.Lost{Host: "server", Events: trace.Drops, N: n, Kernel: 2}})
		})
	}
	nothing := func(*tape) {}
	one := func(p *tape) { p.drop(2*second, "server", "TCP_CSUM", data(1001)) }
	byFaults := drops(func(p *tape) {
		p.drop(2*second, "server", "NETFILTER_DROP", data(1001))
		p.drop(2*second, "server", "QDISC_DROP", data(1001))
		p.drop(2*second, "server", "TC_INGRESS", data(1001))
		p.drop(3*second, "server", "NOT_SPECIFIED", data(1001))
		p.drop(3*second, "server", "QUEUE_PURGE", data(1001))
		p.drop(3*second, "server", "PACKET_SOCK_ERROR", data(1001))
	})
	routeless := drops(func(p *tape) { p.routeless(2 * second) })
	off := recorded(&trace.Tracepoints{Off: "CAP_BPF and CAP_PERFMON are missing", Remedy: "run as root"}, nil)
	alone := recorded(&trace.Tracepoints{Off: trace.LeftAlone}, nil)
	gap := func(events trace.KernelEvent, partial bool) func(*tape) *trace.Trace {
		return recorded(&trace.Tracepoints{
			Gaps:        []trace.Gap{{Events: events, Text: "skb:kfree_skb lacks it", Partial: partial}},
			DropReasons: reasons,
		}, nil)
	}
	golden(t, "drops", connecting, []fixture{
		{"as many drops as wanted", `- {drops: {host: server, reason: TCP_CSUM}, count: 2}`, two, Pass},
		{"drops for one of several reasons", `- {drops: {host: server, reason: [TCP_OLD_DATA, TCP_CSUM]}, count: 3}`, two, Pass},
		{"drops for any reason", `- {drops: {host: server}, count: 3}`, two, Pass},
		{"drops of packets that a selector takes", `- {drops: {host: server, tcp: DATA, from: client, payload: {length: 5}}, count: 2}`, two, Pass},
		{"too few drops", `- {drops: {host: server, reason: TCP_CSUM}, count: ">= 3"}`, two, Fail},
		{"drops of other packets", `- {drops: {host: server, reason: TCP_CSUM, tcp: SYN}, count: 1}`, two, Fail},
		{"a drop where none is wanted", `- {drops: {host: client, reason: TCP_CSUM}, none: true}`, two, Fail},
		{"no drop where none is wanted", `- {drops: {host: client, reason: TCP_OLD_DATA}, none: true}`, two, Pass},
		{"none of packets that never were", `- {drops: {host: server, dport: 99}, none: true}`, two, Pass},
		{"drops at their times", `- {drops: {host: server, reason: TCP_CSUM}, at: [1s, 2s], since: client.connect}`, two, Pass},
		{"times since the first drop", `- {drops: {host: server, reason: TCP_CSUM}, at: [0s, 1s]}`, two, Pass},
		{"a drop at another time", `- {drops: {host: server, reason: TCP_CSUM}, at: [1s, 4s], since: client.connect}`, two, Fail},
		{"fewer drops than times", `- {drops: {host: server, reason: TCP_CSUM}, at: [1s, 2s, 3s], since: client.connect}`, two, Fail},
		{"more times than drops, as count allows", `- {drops: {host: server, reason: TCP_CSUM}, count: 1..9, at: [1s, 2s, 3s], since: client.connect}`, two, Pass},
		{"times, and no drop, as count allows", `- {drops: {host: server, reason: TCP_CSUM}, count: 0..9, at: [1s], since: client.connect}`, drops(nil), Fail},
		{"more drops than times", `- {drops: {host: server, reason: TCP_CSUM}, count: 2, at: [1s], since: client.connect}`, two, Fail},
		{"drops before the time that counts", `- {drops: {host: server, reason: TCP_CSUM}, none: true, since: "client.connect"}`, drops(func(p *tape) { p.drop(0, "server", "TCP_CSUM", data(1)) }), Pass},
		{"drops since an event that never happened", `- {drops: {host: server, reason: TCP_CSUM}, none: true, since: server.listen}`, two, Fail},
		{"the work of faults and what is no loss, which do not count", `- {drops: {host: server}, none: true}`, byFaults, Pass},
		{"the work of faults, named", `- {drops: {host: server, reason: netfilter_drop}, count: 1}`, byFaults, Pass},
		{"nothing dropped", `- {drops: {host: server}, count: 1}`, drops(nil), Fail},
		{"a packet without headers, by its addresses", `- {drops: {host: client, reason: IP_OUTNOROUTES, tcp: any, to: server, dport: 8080}, count: 1}`, routeless, Pass},
		{"a packet without headers, of another port", `- {drops: {host: client, reason: IP_OUTNOROUTES, dport: 99}, none: true}`, routeless, Pass},
		{"a packet without headers, by what it does not show", `- {drops: {host: client, reason: IP_OUTNOROUTES, tcp: SYN}, count: 1}`, routeless, Fail},
		{"none, but drops were lost", `- {drops: {host: server, reason: TCP_OLD_DATA}, none: true}`, lossy, Fail},
		{"a number, but drops were lost", `- {drops: {host: server, reason: TCP_CSUM}, count: 1}`, lossy, Fail},
		{"times, but drops were lost", `- {drops: {host: server, reason: TCP_CSUM}, at: [1s], since: client.connect}`, lossy, Fail},
		{"enough drops before some were lost", `- {drops: {host: server, reason: TCP_CSUM}, count: ">= 1"}`, lossy, Pass},
		{"too many drops before some were lost", `- {drops: {host: server, reason: TCP_CSUM}, none: true}`, lossy, Fail},
		{"none on a host that lost other events", `- {drops: {host: client}, none: true}`, lossy, Pass},
		{"none, but the kernel lost two", `- {drops: {host: server, reason: TCP_CSUM}, none: true}`, kernelLost(2, nothing), Inconclusive},
		{"a number that the lost ones may complete", `- {drops: {host: server, reason: TCP_CSUM}, count: 2}`, kernelLost(2, one), Inconclusive},
		{"times, and the kernel lost two", `- {drops: {host: server, reason: TCP_CSUM}, at: [1s], since: client.connect}`, kernelLost(2, one), Inconclusive},
		{"a drop too many, and the kernel lost others", `- {drops: {host: server, reason: TCP_CSUM}, none: true}`, kernelLost(2, one), Fail},
		{"a number that the lost ones cannot complete", `- {drops: {host: server, reason: TCP_CSUM}, count: 4}`, kernelLost(2, one), Fail},
		{"none on the other host, of which nothing was lost", `- {drops: {host: client}, none: true}`, kernelLost(2, one), Pass},
		{"the kernel lost two, and the trace did not keep a third", `- {drops: {host: server, reason: TCP_CSUM}, none: true}`, kernelLost(3, nothing), Fail},
		{"the kernel lost two, and one is hidden in any run", `- {drops: {host: server, reason: IP_OUTNOROUTES, tcp: SYN}, count: 0}`, kernelLost(2, func(p *tape) {
			p.add(2*second, trace.Event{Drop: &trace.Drop{
				TCPSocket: trace.TCPSocket{
					Host: "server", State: "SYN_SENT", Local: serverAddr + ":8080", Remote: clientAddr + ":41234",
				},
				Reason: "IP_OUTNOROUTES", Location: "__ip_queue_xmit",
			}})
		}), Fail},
		{"a reason of a later kernel", `- {drops: {host: server, reason: TCP_LISTEN_OVERFLOW}, none: true}`, two, Skip},
		{"a reason of a later kernel, and one of this", `- {drops: {host: server, reason: [TCP_LISTEN_OVERFLOW, TCP_CSUM]}, count: 2}`, two, Pass},
		{"a reason of this kernel that halfopen does not know", `- {drops: {host: server, reason: FROM_TOMORROW}, none: true}`, two, Pass},
		{"a misspelt reason", `- {drops: {host: server, reason: TCP_CSM}, none: true}`, two, Fail},
		{"tracepoints that were not watched", `- {drops: {host: server}, none: true}`, off, Skip},
		{"tracepoints that the run was told to leave alone", `- {drops: {host: server}, none: true}`, alone, Skip},
		{"tracepoints that the kernel does not have", `- {drops: {host: server}, none: true}`, gap(trace.Drops, false), Skip},
		{"a part of the tracepoint that the kernel does not have", `- {drops: {host: server}, none: true}`, gap(trace.Drops, true), Pass},
		{"another tracepoint that the kernel does not have", `- {drops: {host: server}, none: true}`, gap(trace.Resets, false), Pass},
		{"a trace of an earlier version", `- {drops: {host: server}, none: true}`, recorded(nil, nil), Skip},
	})
}
