// Package ci reads what the CI system or the scheduler that runs this process says of it, from its
// environment: which shard of how many, and a number that all shards of one pipeline share.
package ci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"halfopen/harness/suite/result"
)

// Environment returns the value of a variable, as [os.LookupEnv] does.
type Environment func(name string) (value string, ok bool)

// system is a CI system or a scheduler that runs several copies of a job.
type system struct {
	name string
	// index and total are variables with the number of the copy and of all copies.
	index, total string
	// first is the number of the first copy.
	first int
	// remedy says how the total is set, where the system does not set it.
	remedy string
	// shard, if not nil, reads more than index and total.
	shard func(*reader) (result.Shard, error)
	// run is a variable with a number that all copies of one pipeline share; "" if there is none.
	run string
}

// systems are all systems.
var systems = []system{
	{name: "GitLab", index: "CI_NODE_INDEX", total: "CI_NODE_TOTAL", first: 1, run: "CI_PIPELINE_ID", remedy: "the key parallel of the job sets it"},
	{name: "Buildkite", index: "BUILDKITE_PARALLEL_JOB", total: "BUILDKITE_PARALLEL_JOB_COUNT", run: "BUILDKITE_BUILD_NUMBER", remedy: "the key parallelism of the step sets it"},
	{name: "Kubernetes", index: "JOB_COMPLETION_INDEX", total: "JOB_COMPLETIONS", remedy: "set it in the manifest to the job's completions"},
	{name: "Slurm", index: "SLURM_ARRAY_TASK_ID", total: "SLURM_ARRAY_TASK_COUNT", run: "SLURM_ARRAY_JOB_ID", remedy: "sbatch --array sets it", shard: slurmShard},
	{name: "Nomad", index: "NOMAD_ALLOC_INDEX", total: "NOMAD_ALLOC_COUNT", remedy: "set it in the task's env to the count of the group"},
	{name: "Bazel", index: "TEST_SHARD_INDEX", total: "TEST_TOTAL_SHARDS", remedy: "the attribute shard_count sets it"},
	// GitHub has no numbers of the copies of a job, only of the run.
	{name: "GitHub", run: "GITHUB_RUN_ID"},
}

// Shard returns the shard that the environment says. It is an error if it says none, half of one, or
// two that differ: halfopen must not run everything on each machine by mistake.
func Shard(env Environment) (result.Shard, error) {
	var found result.Shard
	var by *system
	for i := range systems {
		s := &systems[i]
		if s.index == "" {
			continue
		}
		shard, err := s.read(env)
		if err != nil {
			return result.Shard{}, err
		}
		switch {
		case shard.IsZero():
		case by == nil:
			found, by = shard, s
		case shard != found:
			return result.Shard{}, fmt.Errorf("%s says shard %s (%s), %s says %s (%s): write --shard INDEX/TOTAL",
				by.name, found, by.index, s.name, shard, s.index)
		}
	}
	if by == nil {
		return result.Shard{}, fmt.Errorf("no variable says which shard this is: want %s; or write --shard INDEX/TOTAL", indexNames())
	}
	return found, nil
}

// indexNames lists the variables with an index.
func indexNames() string {
	var names []string
	for _, s := range systems {
		if s.index != "" {
			names = append(names, s.index)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// read returns the shard that a system says; the zero Shard if the process is not its job.
func (s *system) read(env Environment) (result.Shard, error) {
	r := &reader{env: env}
	index, hasIndex := r.number(s.index)
	total, hasTotal := r.number(s.total)
	switch {
	case r.err != nil:
		return result.Shard{}, fmt.Errorf("%s: %w", s.name, r.err)
	case !hasIndex && (!hasTotal || total <= 1):
		// GitLab sets the total, to 1, in a job that is not parallel, too.
		return result.Shard{}, nil
	case !hasIndex:
		return result.Shard{}, fmt.Errorf("%s: %s is %d, but %s is not set", s.name, s.total, total, s.index)
	case !hasTotal:
		return result.Shard{}, fmt.Errorf("%s: %s is %d, but %s is not set: %s", s.name, s.index, index, s.total, s.remedy)
	}
	shard := result.Shard{Index: index - s.first + 1, Of: total}
	if s.shard != nil {
		var err error
		if shard, err = s.shard(r); err != nil {
			return result.Shard{}, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if shard.Check() != nil {
		return result.Shard{}, fmt.Errorf("%s: %s is %d, and %s is %d: want an index of %d to %d, and a total of 1 to %d",
			s.name, s.index, index, s.total, total, s.first, s.first+total-1, result.MostShards)
	}
	return shard, nil
}

// slurmShard reads the shard of a job array, which may count in steps. An array that begins at 2 or
// later may be a part of another, such as the tasks that are to be repeated.
func slurmShard(r *reader) (result.Shard, error) {
	id, _ := r.number("SLURM_ARRAY_TASK_ID")
	count, _ := r.number("SLURM_ARRAY_TASK_COUNT")
	lowest, hasLowest := r.number("SLURM_ARRAY_TASK_MIN")
	highest, hasHighest := r.number("SLURM_ARRAY_TASK_MAX")
	step, hasStep := r.number("SLURM_ARRAY_TASK_STEP")
	if !hasStep {
		step = 1
	}
	switch {
	case r.err != nil:
		return result.Shard{}, r.err
	case !hasLowest || !hasHighest:
		return result.Shard{}, errors.New("SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_MIN or SLURM_ARRAY_TASK_MAX is not")
	case lowest > 1:
		return result.Shard{}, fmt.Errorf("the array begins at %d and may be a part of another: begin it at 0 or 1, or write --shard INDEX/TOTAL", lowest)
	case step < 1 || id < lowest || id > highest || (id-lowest)%step != 0 || (highest-lowest)/step+1 != count:
		return result.Shard{}, fmt.Errorf("task %d of an array of %d, from %d to %d in steps of %d, is not one of a range: use --array FIRST-LAST or FIRST-LAST:STEP",
			id, count, lowest, highest, step)
	}
	return result.Shard{Index: (id-lowest)/step + 1, Of: count}, nil
}

// reader reads numbers from an environment. It keeps the first error.
type reader struct {
	env Environment
	err error
}

// number returns the value of a variable; ok is false if it is not set, or empty.
func (r *reader) number(name string) (n int, ok bool) {
	text, _ := r.env(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if (err != nil || n < 0) && r.err == nil {
		r.err = fmt.Errorf("%s is %q: want a whole number, 0 or more", name, text)
	}
	return n, true
}

// Seed returns a number that all shards of one pipeline share, and the variable that it is from. ok is
// false if the environment has none, or several that differ.
func Seed(env Environment) (seed uint64, name string, ok bool) {
	for _, s := range systems {
		text, _ := env(s.run)
		if s.run == "" || text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || ok && n != seed {
			return 0, "", false
		}
		seed, name, ok = n, s.run, true
	}
	return seed, name, ok
}
