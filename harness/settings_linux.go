package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"halfopen/internal/codec"

	"halfopen/harness/internal/sandbox"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// trial is the answer of a process that tries parameters.
type trial struct {
	// Failures are in the order of the lists and their parameters; nil for what could be set.
	Failures [][]*failure `json:"failures,omitempty"`
	// Problem is why nothing was tried; "" if all was.
	Problem string `json:"problem,omitempty"`
}

// trySysctls tries lists of parameters in another process, each in a namespace of its own.
func trySysctls(ctx context.Context, lists [][]language.Sysctl) ([][]error, error) {
	if !mainCalled.Load() {
		return nil, errors.New("the program does not call harness.Main")
	}
	p, err := startLab(roleTrial, newKeeper(usual, 0, time.Now()), nil)
	if err != nil {
		return nil, err
	}
	defer p.pipes.closeHere()
	go p.keep(ctx)
	var answer trial
	if err = codec.NewEncoder(p.control).Encode(lists); err == nil {
		err = codec.NewDecoder(p.events).Decode(&answer)
	}
	if err != nil {
		p.kill()
	}
	_, waitErr := p.end()
	words := <-p.words
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && p.late != nil:
		return nil, fmt.Errorf("trying sysctls: the lab was killed: %w", p.late)
	case err != nil:
		return nil, fmt.Errorf("trying sysctls: %w%s", err, words)
	case waitErr != nil:
		return nil, waitErr
	case answer.Problem != "":
		return nil, errors.New(answer.Problem)
	case len(answer.Failures) != len(lists):
		return nil, errors.New("trying sysctls: the answer is about others")
	}
	tried := make([][]error, len(lists))
	for i, list := range answer.Failures {
		tried[i] = make([]error, len(lists[i]))
		for k, f := range list {
			if f != nil {
				tried[i][k] = f.error()
			}
		}
	}
	return tried, nil
}

// runTrial is the main function of the process that tries parameters.
func runTrial(control, events *os.File) {
	var lists [][]language.Sysctl
	var answer trial
	err := codec.NewDecoder(control).Decode(&lists)
	if err == nil {
		err = sandbox.Enter("halfopen")
	}
	if err == nil {
		err = sandbox.Cover()
	}
	if err == nil {
		answer.Failures, err = try(lists)
	}
	if err != nil {
		answer = trial{Problem: err.Error()}
	}
	// An error means that nobody reads: the parent is gone.
	_ = codec.NewEncoder(events).Encode(&answer)
}

func try(lists [][]language.Sysctl) ([][]*failure, error) {
	if slices.ContainsFunc(lists, func(list []language.Sysctl) bool {
		return slices.ContainsFunc(list, func(s language.Sysctl) bool { return tracked(s.Name) })
	}) {
		// The kernel loads connection tracking when it is first used. If it cannot, its parameters
		// are missing below.
		_ = kernel.Masquerade(false)
	}
	tried, err := network.TrySysctls(lists)
	if err != nil {
		return nil, err
	}
	failures := make([][]*failure, len(tried))
	for i, list := range tried {
		failures[i] = make([]*failure, len(list))
		for k, err := range list {
			if err != nil {
				failures[i][k] = newFailure(err)
			}
		}
	}
	return failures, nil
}
