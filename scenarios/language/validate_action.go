package language

import "slices"

// action checks what a fault does, and that the packets it selects can have it done to them.
func (v *validation) action(f *Fault) {
	kind, proto := f.Do.Kind(), f.Match.protocol()
	onlyTCP := func(field any, what string) {
		if proto == "udp" || proto == "icmp" {
			v.errorf(field, f.Pos, "%s is for TCP, but match selects %s", what, proto)
		}
	}
	atLeast := func(field *int, key string, low, high int) {
		if v.has(field) && (*field < low || *field > high) {
			v.errorf(field, f.Pos, "%s: %s: %d is outside %d to %d", kind, key, *field, low, high)
		}
	}
	do := &f.Do
	switch {
	case do.Reject != nil:
		if do.Reject.With == "tcp-reset" {
			onlyTCP(&do.Reject.With, "reject with tcp-reset")
		}
	case do.Reset != nil:
		onlyTCP(do.Reset, "reset")
	case do.Delay != nil:
		d := do.Delay
		if d.Distribution != "" && d.Jitter == 0 {
			v.errorf(&d.Distribution, f.Pos, "delay: distribution is that of the jitter, but there is none")
		}
		if d.Jitter > d.By && d.Distribution != "normal" {
			v.errorf(&d.Jitter, f.Pos, "delay: jitter (%v) is more than the delay (%v), and no packet can leave before it came", d.Jitter, d.By)
		}
	case do.Hold != nil:
		v.event(&do.Hold.Until, f.Pos, do.Hold.Until)
	case do.Duplicate != nil:
		atLeast(&do.Duplicate.Copies, "copies", 1, 100)
	case do.Reorder != nil:
		atLeast(&do.Reorder.By, "by", 1, 1000)
	case do.Corrupt != nil:
		atLeast(&do.Corrupt.Bytes, "bytes", 1, maxMTU)
		atLeast(&do.Corrupt.Offset, "offset", 0, maxMTU)
		v.corruption(f, do.Corrupt)
	case do.Rewrite != nil:
		v.rewrite(f, do.Rewrite, atLeast, onlyTCP)
	case do.Rate != nil:
		if v.has(&do.Rate.Queue) && do.Rate.Queue == 0 {
			v.errorf(&do.Rate.Queue, f.Pos, "rate: a queue of 0 lets nothing pass")
		}
	case do.Replay != nil:
		r := do.Replay
		if (r.After != 0) == (r.Until != "") {
			v.errorf(r, f.Pos, "replay: want one of after and until")
		}
		v.event(&r.Until, f.Pos, r.Until)
	case do.Partition != nil:
		v.host(&do.Partition.Host, f.Pos, do.Partition.Host, false)
	case do.MTU != nil:
		atLeast(&do.MTU.Size, "size", minMTU, maxMTU)
		if v.s.Family == V6 && do.MTU.Size < minMTUv6 {
			v.errorf(&do.MTU.Size, f.Pos, "mtu: IPv6 needs at least %d, not %d", minMTUv6, do.MTU.Size)
		}
	}
}

// corruption refuses to change bytes that none of the fault's packets has.
func (v *validation) corruption(f *Fault, c *Corrupt) {
	field, end := any(&c.Offset), c.Offset+max(c.Bytes, 1)
	if !v.has(field) {
		field = &c.Bytes
	}
	if !v.has(field) {
		field = c
	}
	longest := v.longestPayload(f)
	switch p := f.Match.Payload; {
	case f.Match.onlyKinds(ACK):
		v.errorf(field, f.Pos, "corrupt: a bare acknowledgement has no payload to change")
	case p != nil && p.Length != nil && p.Length.Max < int64(end):
		v.errorf(field, f.Pos, "corrupt: byte %d is beyond the payloads that match selects, of %d bytes at most", end, max(p.Length.Max, 0))
	case end > longest:
		v.errorf(field, f.Pos, "corrupt: byte %d is beyond the longest payload of a packet here, %d bytes", end, longest)
	}
}

// longestPayload is what a packet carries at most where the fault strikes. On a host it may be a datagram that the links
// carry in fragments.
func (v *validation) longestPayload(f *Fault) int {
	longest, headers := maxMTU, 20+8
	if wire := f.At == "" || f.At == Wire; (wire || f.Match.protocol() == "tcp") && v.s.Network.Shape != ShapeLoopback {
		longest = v.s.Network.MTU
		if longest == 0 {
			longest = defaultMTU
		}
		for i := range v.s.Hosts {
			longest = max(longest, v.s.Hosts[i].MTU)
		}
	}
	if v.s.Family == V6 {
		headers += 20
	}
	if f.Match.protocol() == "tcp" {
		headers += 12
	}
	return longest - headers
}

func (v *validation) rewrite(f *Fault, r *Rewrite, atLeast func(*int, string, int, int), onlyTCP func(any, string)) {
	if r.Window == nil && !v.has(&r.MSS) && len(r.Strip) == 0 && !v.has(&r.TTL) && r.ECN == "" && len(r.Set) == 0 && len(r.Clear) == 0 {
		v.errorf(r, f.Pos, "rewrite changes nothing; want window, mss, strip, ttl, ecn, set or clear")
	}
	if r.Window != nil {
		atLeast(r.Window, "window", 0, 65535)
		onlyTCP(r.Window, "rewrite: window")
	}
	if v.has(&r.MSS) {
		atLeast(&r.MSS, "mss", 1, 65535)
		onlyTCP(&r.MSS, "rewrite: mss")
	}
	atLeast(&r.TTL, "ttl", 1, 255)
	for i := range r.Strip {
		v.oneOf(&r.Strip[i], f.Pos, "TCP option", r.Strip[i], stripNames)
		onlyTCP(&r.Strip[i], "rewrite: strip")
	}
	for _, flags := range [][]string{r.Set, r.Clear} {
		for i := range flags {
			v.oneOf(&flags[i], f.Pos, "TCP flag", flags[i], TCPFlagNames())
			onlyTCP(&flags[i], "rewrite: a flag")
		}
	}
	for i := range r.Set {
		if slices.Contains(r.Clear, r.Set[i]) {
			v.errorf(&r.Set[i], f.Pos, "rewrite: %s is both set and cleared", r.Set[i])
		}
	}
}
