package suite

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

// Long is the estimated time from which a run is long: it takes place in real time only on request.
const Long = result.Long

// Running, in place of a version, names the kernel that this machine runs.
const Running = result.Running

// place decides where each case is run: on each of the kernels in the options, or without any where
// it suits.
func (s *Suite) place(cases []*language.Scenario) ([]Run, error) {
	kernels := s.o.Kernels
	if len(kernels) == 0 {
		kernels = []string{Running}
		if s.o.Warp {
			kernels = []string{""}
		}
	}
	var all []Run
	var seen []Place
	for _, name := range kernels {
		var at Place
		if name != Running {
			var err error
			if at, err = placeOn(name); err != nil {
				return nil, err
			}
		}
		if slices.Contains(seen, at) {
			continue // 6.1 and 6.1.0 may be the same
		}
		seen = append(seen, at)
		if name == Running {
			all = append(all, s.placeHere(cases)...)
			continue
		}
		for _, c := range cases {
			at.Warp = s.o.Warp || c.Estimate() >= Long && !s.o.Long
			all = append(all, Run{Scenario: c, Place: at})
		}
	}
	return all, nil
}

// placeOn returns the place, in real time, on the kernel with this version or path; "" is the
// newest that can be booted. The place has an image only if its version does not find that.
func placeOn(name string) (Place, error) {
	k, err := vm.FindKernel(name)
	if err != nil {
		return Place{}, err
	}
	at := Place{Kernel: k.Version}
	if known, err := vm.FindKernel(k.Version); err != nil || known.Image != k.Image {
		at.Image = k.Image
	}
	return at, nil
}

// errPrograms is why a long case with programs is not warped. They are made for this machine, where a
// person tries them, too.
var errPrograms = errors.New("programs run in a virtual machine only with --warp or --kernel")

// placeHere places cases on this machine, but long ones without programs in warped time if the machine
// can do that. It sets s.LeftOut and s.WhyReal.
func (s *Suite) placeHere(cases []*language.Scenario) (all []Run) {
	warp := sync.OnceValues(Warped)
	for _, c := range cases {
		if c.Estimate() < Long || s.o.Long {
			all = append(all, Run{Scenario: c})
			continue
		}
		var warped Place
		var why error
		switch {
		case len(s.o.Kernels) > 0:
			why = errors.New("the running kernel cannot be warped")
		case c.RunsPrograms():
			why = errPrograms
		default:
			warped, why = warp()
		}
		s.WhyReal = cmp.Or(s.WhyReal, why)
		if why == nil || s.o.Named {
			all = append(all, Run{Scenario: c, Place: warped})
		} else {
			s.LeftOut = append(s.LeftOut, c)
		}
	}
	return all
}

// Warped returns the default place of long runs: in warped time, on the newest kernel that can be
// booted. The error says what this machine lacks for it; it is a *inject.MissingError.
func Warped() (Place, error) {
	if _, err := vm.FindEmulator(); err != nil {
		return Place{}, err
	}
	at, err := placeOn("")
	if err != nil {
		return Place{}, err
	}
	at.Warp = true
	return at, nil
}

// LongHere returns the number of runs of this machine that take [Long] or more in real time, and the
// time of the longest.
func (s *Suite) LongHere() (n int, longest time.Duration) {
	for i := range s.Runs {
		r := &s.Runs[i]
		mine := s.mine.of(i).count(max(s.o.Repeat, 1))
		if e := r.Scenario.Estimate(); mine > 0 && !r.Place.Virtual() && e >= Long {
			n += mine
			longest = max(longest, e)
		}
	}
	return n, longest
}
