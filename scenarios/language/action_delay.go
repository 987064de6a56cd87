package language

import (
	"time"

	"halfopen/internal/code"
)

// Delay holds the packet for a time.
type Delay struct {
	By           Duration `yaml:",short" json:"by" jsonschema_description:"How long the packet is held."`
	Jitter       Duration `json:"jitter,omitempty" jsonschema_description:"Varies the delay by up to this much (uniform) or by this standard deviation (normal)."`
	Distribution string   `json:"distribution,omitempty" jsonschema:"enum=uniform,enum=normal" jsonschema_description:"Distribution of the jitter: uniform (default) or normal."`
	Order        string   `json:"order,omitempty" jsonschema:"enum=keep,enum=free" jsonschema_description:"keep (default): no packet overtakes another that this fault delays; free: jitter may reorder packets."`
}

func (a *Delay) check(v *validation, f *Fault) {
	if v.has(&a.By) && a.By == 0 && a.Jitter == 0 {
		v.errorf(code.NoEffect, &a.By, f.Pos,
			"delay: invalid by 0s: no packet would be delayed; want more than 0s, or leave the fault out with only")
	}
	if a.Distribution != "" && a.Jitter == 0 {
		v.errorf(code.MissingKey, &a.Distribution, f.Pos,
			"delay: distribution needs jitter; set jitter, or remove distribution")
	}
	if a.Jitter > a.By && a.Distribution != "normal" {
		v.errorf(code.OutOfRange, &a.Jitter, f.Pos,
			"delay: invalid jitter %v: no packet can leave before it arrives; want at most the delay, %v",
			a.Jitter, a.By)
	}
}

// effects allows four standard deviations, for normal jitter.
func (a *Delay) effects() Effects { return Effects{Holds: time.Duration(a.By + 4*a.Jitter)} }
