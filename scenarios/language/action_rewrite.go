package language

import (
	"slices"

	"halfopen/internal/code"
)

// Rewrite changes header fields and corrects the checksums.
type Rewrite struct {
	Window *int     `json:"window,omitempty" jsonschema_description:"New window field, 0 to 65535."`
	MSS    int      `json:"mss,omitempty" jsonschema_description:"New value of the MSS option of a SYN or SYN-ACK, 1 to 65535."`
	Strip  []string `json:"strip,omitempty" jsonschema_description:"TCP options to remove: timestamps, sack-permitted, window-scale, mss, fast-open."`
	TTL    int      `json:"ttl,omitempty" jsonschema_description:"New TTL or hop limit, 1 to 255."`
	ECN    string   `json:"ecn,omitempty" jsonschema:"enum=not-ect,enum=ect0,enum=ect1,enum=ce" jsonschema_description:"New ECN field."`
	Set    []string `json:"set,omitempty" jsonschema_description:"TCP flags to set."`
	Clear  []string `json:"clear,omitempty" jsonschema_description:"TCP flags to clear."`
}

func (a *Rewrite) check(v *validation, f *Fault) {
	if a.Window == nil && !v.has(&a.MSS) && len(a.Strip) == 0 && !v.has(&a.TTL) && a.ECN == "" &&
		len(a.Set) == 0 && len(a.Clear) == 0 {
		v.errorf(code.MissingKey, a, f.Pos,
			"rewrite: want at least one of window, mss, strip, ttl, ecn, set and clear")
	}
	if a.Window != nil {
		v.within(a.Window, f, "window", 0, 65535)
		v.onlyTCP(a.Window, f, "rewrite: window")
	}
	if v.has(&a.MSS) {
		v.within(&a.MSS, f, "mss", 1, 65535)
		v.onlyTCP(&a.MSS, f, "rewrite: mss")
	}
	v.within(&a.TTL, f, "ttl", 1, 255)
	for i := range a.Strip {
		if a.Strip[i] == "sack" {
			v.errorf(code.InvalidValue, &a.Strip[i], f.Pos,
				"rewrite: strip cannot take out sack; want sack-permitted: without it no host sends sack")
			continue
		}
		v.oneOf(&a.Strip[i], f.Pos, "TCP option", a.Strip[i], stripNames)
		v.onlyTCP(&a.Strip[i], f, "rewrite: strip")
	}
	for _, flags := range [][]string{a.Set, a.Clear} {
		for i := range flags {
			v.oneOf(&flags[i], f.Pos, "TCP flag", flags[i], TCPFlagNames())
			v.onlyTCP(&flags[i], f, "rewrite: a flag")
		}
	}
	for i := range a.Set {
		if slices.Contains(a.Clear, a.Set[i]) {
			v.errorf(code.ConflictingKeys, &a.Set[i], f.Pos,
				"rewrite: %s is in both set and clear; keep one", a.Set[i])
		}
	}
}

func (*Rewrite) effects() Effects { return Effects{} }
