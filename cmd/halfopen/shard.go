package main

import (
	"fmt"
	"io"
	"os"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/ci"
	"halfopen/internal/say"
)

// autoShard, in place of a shard, takes what the CI system says.
const autoShard = "auto"

// shardOf reads the value of --shard.
func shardOf(text string) (shard suite.Shard, err error) {
	switch text {
	case "":
		return shard, nil
	case autoShard:
		shard, err = ci.Shard(os.LookupEnv)
	default:
		shard, err = result.ParseShard(text)
	}
	if err == nil {
		err = ci.Acknowledge(os.LookupEnv)
	}
	if err != nil {
		return suite.Shard{}, usagef("--shard %s: %w", say.Printable(text), err)
	}
	return shard, nil
}

// sharedSeed returns a seed that is the same in all shards, which must be of one suite.
func sharedSeed(errs io.Writer) (uint64, error) {
	seed, name, ok := ci.Seed(os.LookupEnv)
	if !ok {
		return 0, usagef("--shard: the shards of a suite need the same seed, and no variable has a number of this pipeline: pass --seed, to all of them")
	}
	fmt.Fprintf(errs, "halfopen: seed %d is %s\n", seed, name)
	return seed, nil
}

// sayShard says how many runs of the plan are those of the shard.
func sayShard(errs io.Writer, shard suite.Shard, runs int, plan *result.Plan) {
	all := say.Count(plan.Runs, "run")
	switch {
	case shard.IsZero():
	case runs == 0:
		fmt.Fprintf(errs, "halfopen: shard %s has nothing to do: the suite has %s\n", shard, all)
	default:
		fmt.Fprintf(errs, "halfopen: shard %s: %d of %s\n", shard, runs, all)
	}
}
