package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"halfopen/inject"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The handles of a rule with filters; see [QdiscRule.Commands].
var (
	rootHandle  = netlink.MakeHandle(1, 0)
	classHandle = netlink.MakeHandle(1, 1)
	leafHandle  = netlink.MakeHandle(0x10, 0)
)

// onDevice calls f with a netlink socket in the rule's namespace, and the rule's device.
func (i *Injector) onDevice(r *QdiscRule, f func(*netlink.Handle, netlink.Link) error) error {
	return i.net.Host(r.Host).Do(func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("opening a netlink socket: %w", err)
		}
		defer h.Close()
		link, err := h.LinkByName(r.Device)
		if err != nil {
			return fmt.Errorf("finding %s:%s: %w", r.Host, r.Device, err)
		}
		return f(h, link)
	})
}

// addQdisc does the work of the rule's commands, in the same order. The last filter puts the rule
// in force.
func (i *Injector) addQdisc(r *QdiscRule, fault string) error {
	return i.onDevice(r, func(h *netlink.Handle, link netlink.Link) error {
		commands := r.Commands()
		for n, do := range r.steps(h, link.Attrs().Index) {
			err := do()
			if errors.Is(err, unix.ENOENT) {
				return &inject.MissingError{
					Feature:  "a queueing discipline or filter",
					OfKernel: true,
					NeededBy: fmt.Sprintf("fault %q: %s", fault, commands[n]),
					Remedy:   `remove "via", or set via: nfqueue`,
				}
			}
			if err != nil {
				// A half-finished rule would strike too.
				return errors.Join(fmt.Errorf("%s: %w", commands[n], err), r.remove(h, link, n))
			}
		}
		return nil
	})
}

// steps returns a function for each of the rule's commands.
func (r *QdiscRule) steps(h *netlink.Handle, index int) []func() error {
	root := netlink.QdiscAttrs{LinkIndex: index, Handle: rootHandle, Parent: netlink.HANDLE_ROOT}
	if len(r.Filters) == 0 {
		return []func() error{func() error { return r.add(h, root, false) }}
	}
	rate, burst := r.class()
	steps := []func() error{
		func() error { return h.QdiscAdd(netlink.NewHtb(root)) },
		func() error {
			return h.ClassAdd(netlink.NewHtbClass(
				netlink.ClassAttrs{LinkIndex: index, Handle: classHandle, Parent: rootHandle},
				netlink.HtbClassAttrs{Rate: rate, Buffer: burst, Cbuffer: burst, Quantum: quantum},
			))
		},
		func() error {
			return r.add(h, netlink.QdiscAttrs{
				LinkIndex: index, Handle: leafHandle, Parent: classHandle,
			}, true)
		},
	}
	for _, f := range r.Filters {
		steps = append(steps, func() error { return h.FilterAdd(f.u32(index)) })
	}
	return steps
}

// add adds the discipline itself.
func (r *QdiscRule) add(h *netlink.Handle, at netlink.QdiscAttrs, leaf bool) error {
	switch q := r.Qdisc.(type) {
	case *Rate:
		if leaf {
			return addRaw(at, "bfifo", native(q.Queue))
		}
		bytes := q.To / 8
		return h.QdiscAdd(&netlink.Tbf{
			QdiscAttrs: at, Rate: bytes, Limit: q.Queue, Buffer: netlink.Xmittime(bytes, q.Burst),
		})
	case *Netem:
		head, attrs := q.options()
		return addRaw(at, "netem", head, attrs...)
	}
	return addRaw(at, "pfifo", native(uint32(0)))
}

// addRaw adds a discipline that the netlink package does not support. head is the head of its
// options, attrs the attributes after it. The calling thread must be in the namespace.
func addRaw(at netlink.QdiscAttrs, kind string, head []byte, attrs ...*nl.RtAttr) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.AddData(&nl.TcMsg{
		Family: nl.FAMILY_ALL, Ifindex: int32(at.LinkIndex), Handle: at.Handle, Parent: at.Parent,
	})
	req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(kind)))
	options := nl.NewRtAttr(nl.TCA_OPTIONS, head)
	for _, a := range attrs {
		options.AddChild(a)
	}
	req.AddData(options)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// Attributes of netem that the netlink package does not have (include/uapi/linux/pkt_sched.h).
const (
	netemLatency64 = 10
	netemJitter64  = 11
	netemLossGE    = 2
	netemLimit     = 1000 // packets; tc's default
)

// options returns struct tc_netem_qopt and the attributes after it.
func (n *Netem) options() (head []byte, attrs []*nl.RtAttr) {
	gap := uint32(0)
	if n.AtOnce > 0 {
		gap = 1
	}
	head = native(uint32(0), uint32(netemLimit), share(n.Loss), gap, share(n.Duplicate), uint32(0))
	attrs = append(attrs,
		nl.NewRtAttr(netemLatency64, native(n.Delay.Nanoseconds())),
		nl.NewRtAttr(netemJitter64, native(n.Jitter.Nanoseconds())))
	if n.Corrupt > 0 {
		attrs = append(attrs, nl.NewRtAttr(nl.TCA_NETEM_CORRUPT, native(share(n.Corrupt), uint32(0))))
	}
	if n.AtOnce > 0 {
		attrs = append(attrs, nl.NewRtAttr(nl.TCA_NETEM_REORDER, native(share(n.AtOnce), uint32(0))))
	}
	if b := n.Bursts; b != nil {
		loss := nl.NewRtAttr(nl.TCA_NETEM_LOSS|unix.NLA_F_NESTED, nil)
		// The kernel wants the probability of no loss in the bad state (struct tc_netem_gemodel: p,
		// r, h, k1).
		loss.AddRtAttr(netemLossGE, native(share(b.GoodToBad), share(b.BadToGood),
			math.MaxUint32-share(b.InBad), share(b.InGood)))
		attrs = append(attrs, loss)
	}
	return head, attrs
}

// share converts a probability to netem's unit: parts of 2^32 - 1.
func share(p float64) uint32 { return uint32(math.Round(p * math.MaxUint32)) }

// native returns numbers in the machine's byte order, one after the other.
func native(numbers ...any) []byte {
	var b []byte
	for _, n := range numbers {
		b, _ = binary.Append(b, binary.NativeEndian, n) // fails only for other types than numbers
	}
	return b
}

// u32 returns the filter in the form that the netlink package takes.
func (f Filter) u32(index int) *netlink.U32 {
	protocol := uint16(unix.ETH_P_IP)
	if f.Protocol == "ipv6" {
		protocol = unix.ETH_P_IPV6
	}
	sel := &netlink.TcU32Sel{Flags: netlink.TC_U32_TERMINAL}
	for _, k := range f.Keys {
		sel.Keys = append(sel.Keys, netlink.TcU32Key{Mask: k.Mask, Val: k.Value, Off: int32(k.Offset)})
	}
	sel.Keys = slices.Clip(sel.Keys) // the package also takes the keys between length and capacity
	return &netlink.U32{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: rootHandle, Priority: 1, Protocol: protocol,
		},
		ClassId: classHandle,
		Sel:     sel,
	}
}

// delQdisc removes everything that addQdisc added. Packets held by the root discipline are lost
// with it.
func (i *Injector) delQdisc(r *QdiscRule) error {
	return i.onDevice(r, func(h *netlink.Handle, link netlink.Link) error {
		return r.remove(h, link, 1)
	})
}

// remove removes the root discipline if at least one step was done.
func (r *QdiscRule) remove(h *netlink.Handle, link netlink.Link, done int) error {
	if done == 0 {
		return nil
	}
	return h.QdiscDel(&netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: link.Attrs().Index, Handle: rootHandle, Parent: netlink.HANDLE_ROOT,
		},
	})
}

func (i *Injector) qdiscHits(r *QdiscRule) (hits uint64, err error) {
	err = i.onDevice(r, func(h *netlink.Handle, link netlink.Link) error {
		list, err := h.QdiscList(link)
		if err != nil {
			return err
		}
		var passed, lost, waited uint64
		for _, q := range list {
			at, s := q.Attrs(), q.Attrs().Statistics
			if s == nil || s.Queue == nil || s.Basic == nil {
				continue
			}
			root := at.Parent == netlink.HANDLE_ROOT
			if root {
				waited += uint64(s.Queue.Overlimits) // also for an htb, whose class has the rate
			}
			if root == (len(r.Filters) == 0) {
				passed += uint64(s.Basic.Packets)
				lost += uint64(s.Queue.Drops)
			}
		}
		hits = r.countHits(passed, lost, waited)
		return nil
	})
	return hits, err
}

// countHits picks the hits from the counters of the discipline.
func (r *QdiscRule) countHits(passed, lost, waited uint64) uint64 {
	switch q := r.Qdisc.(type) {
	case *Rate:
		// tbf counts each look at a packet that has to wait, and looks again whenever another
		// packet arrives after it.
		return min(waited, passed) + lost
	case *Netem:
		if q.Loss == 0 && q.Bursts == nil {
			return passed + lost
		}
	}
	return lost
}
