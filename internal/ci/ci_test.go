package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// environment reads variables from a text: "A=1 B=2".
func environment(text string) Environment {
	set := map[string]string{}
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		set[name] = value
	}
	return func(name string) (string, bool) { value, ok := set[name]; return value, ok }
}

func TestShard(t *testing.T) {
	for _, tt := range []struct {
		name, env string
		// want is the shard, or the beginning of the error.
		want string
	}{
		{"nothing", "", "no variable says which shard this is: want CI_NODE_INDEX, BUILDKITE_PARALLEL_JOB, JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_ID, NOMAD_ALLOC_INDEX or TEST_SHARD_INDEX; or write --shard INDEX/TOTAL"},

		{"GitLab's first", "CI_NODE_INDEX=1 CI_NODE_TOTAL=4", "1/4"},
		{"GitLab's last", "CI_NODE_INDEX=4 CI_NODE_TOTAL=4", "4/4"},
		{"GitLab counts from 1", "CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "GitLab: CI_NODE_INDEX is 0, and CI_NODE_TOTAL is 4: want an index of 1 to 4, and a total of 1 to 1000"},
		{"GitLab's after the last", "CI_NODE_INDEX=5 CI_NODE_TOTAL=4", "GitLab: CI_NODE_INDEX is 5"},
		{"GitLab without parallel", "CI_NODE_TOTAL=1", "no variable says"},
		{"GitLab without an index", "CI_NODE_TOTAL=4", "GitLab: CI_NODE_TOTAL is 4, but CI_NODE_INDEX is not set"},
		{"GitLab without a total", "CI_NODE_INDEX=2", "GitLab: CI_NODE_INDEX is 2, but CI_NODE_TOTAL is not set: the key parallel of the job sets it"},
		{"GitLab with an empty total", "CI_NODE_INDEX=2 CI_NODE_TOTAL=", "GitLab: CI_NODE_INDEX is 2, but CI_NODE_TOTAL is not set"},

		{"Buildkite's first", "BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=5", "1/5"},
		{"Buildkite's last", "BUILDKITE_PARALLEL_JOB=4 BUILDKITE_PARALLEL_JOB_COUNT=5", "5/5"},
		{"Buildkite counts from 0", "BUILDKITE_PARALLEL_JOB=5 BUILDKITE_PARALLEL_JOB_COUNT=5", "Buildkite: BUILDKITE_PARALLEL_JOB is 5, and BUILDKITE_PARALLEL_JOB_COUNT is 5: want an index of 0 to 4"},
		{"Buildkite without a total", "BUILDKITE_PARALLEL_JOB=0", "Buildkite: BUILDKITE_PARALLEL_JOB is 0, but BUILDKITE_PARALLEL_JOB_COUNT is not set"},

		{"Kubernetes", "JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=3", "3/3"},
		{"Kubernetes without completions", "JOB_COMPLETION_INDEX=2", "Kubernetes: JOB_COMPLETION_INDEX is 2, but JOB_COMPLETIONS is not set: set it in the manifest to the job's completions"},
		{"Kubernetes with completions of an older manifest", "JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=3", "Kubernetes: JOB_COMPLETION_INDEX is 3"},

		{"Slurm from 1", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=1", "2/4"},
		{"Slurm from 0", "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=4", "1/4"},
		{"Slurm in steps", "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", "3/4"},
		{"Slurm in steps that do not meet the end", "SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=3", "3/3"},
		{"Slurm between steps", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", "Slurm: task 4 of an array of 4, from 1 to 7 in steps of 2, is not one of a range"},
		{"Slurm with a list", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=1", "Slurm: task 7 of an array of 3, from 1 to 7 in steps of 1, is not one of a range: use --array FIRST-LAST or FIRST-LAST:STEP"},
		{"Slurm with the rest of an array", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_COUNT=2", "Slurm: the array begins at 3 and may be a part of another"},
		{"Slurm without a total", "SLURM_ARRAY_TASK_ID=3", "Slurm: SLURM_ARRAY_TASK_ID is 3, but SLURM_ARRAY_TASK_COUNT is not set"},
		{"Slurm without bounds", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4", "Slurm: SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_MIN or SLURM_ARRAY_TASK_MAX is not"},
		{"Slurm with steps of none", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=0", "Slurm: task 1"},
		{"Slurm with a bound that is not a number", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=x SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=4", `Slurm: SLURM_ARRAY_TASK_MIN is "x"`},

		{"Nomad", "NOMAD_ALLOC_INDEX=0 NOMAD_ALLOC_COUNT=2", "1/2"},
		{"Nomad without the count", "NOMAD_ALLOC_INDEX=0", "Nomad: NOMAD_ALLOC_INDEX is 0, but NOMAD_ALLOC_COUNT is not set: set it in the task's env to the count of the group"},

		{"Bazel", "TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3", "2/3"},
		{"Bazel that does not shard", "TEST_TOTAL_SHARDS=0", "no variable says"},
		{"Bazel without a total", "TEST_SHARD_INDEX=1", "Bazel: TEST_SHARD_INDEX is 1, but TEST_TOTAL_SHARDS is not set"},

		{"two that agree", "CI_NODE_INDEX=2 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=1 JOB_COMPLETIONS=4", "2/4"},
		{"two that differ", "CI_NODE_INDEX=2 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4", "GitLab says shard 2/4 (CI_NODE_INDEX), Kubernetes says 3/4 (JOB_COMPLETION_INDEX): write --shard INDEX/TOTAL"},
		{"one whole and half of another", "CI_NODE_INDEX=2 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=1", "Kubernetes: JOB_COMPLETION_INDEX is 1, but JOB_COMPLETIONS is not set"},
		{"a job of GitLab that is not parallel, on Slurm", "CI_NODE_TOTAL=1 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=2 SLURM_ARRAY_TASK_COUNT=2", "1/2"},

		{"a negative index", "TEST_SHARD_INDEX=-1 TEST_TOTAL_SHARDS=3", `Bazel: TEST_SHARD_INDEX is "-1": want a whole number, 0 or more`},
		{"a word", "TEST_SHARD_INDEX=one TEST_TOTAL_SHARDS=3", `Bazel: TEST_SHARD_INDEX is "one": want a whole number, 0 or more`},
		{"a fraction", "TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3.5", `Bazel: TEST_TOTAL_SHARDS is "3.5": want a whole number, 0 or more`},
		{"a total of none", "TEST_SHARD_INDEX=0 TEST_TOTAL_SHARDS=0", "Bazel: TEST_SHARD_INDEX is 0, and TEST_TOTAL_SHARDS is 0"},
		{"a number of 30 digits", "TEST_SHARD_INDEX=0 TEST_TOTAL_SHARDS=100000000000000000000000000000", "Bazel: TEST_TOTAL_SHARDS is"},
		{"a control character", "TEST_SHARD_INDEX=0\x1b[2J TEST_TOTAL_SHARDS=3", `Bazel: TEST_SHARD_INDEX is "0\x1b[2J"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shard, err := Shard(environment(tt.env))
			switch {
			case err == nil && shard.String() != tt.want:
				t.Errorf("shard %s, want %s", shard, tt.want)
			case err != nil && !strings.HasPrefix(err.Error(), tt.want):
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	for _, tt := range []struct {
		name, env string
		want      uint64
		from      string
	}{
		{"nothing", "CI=true", 0, ""},
		{"GitHub", "GITHUB_RUN_ID=16553389201", 16553389201, "GITHUB_RUN_ID"},
		{"GitLab", "CI_PIPELINE_ID=12", 12, "CI_PIPELINE_ID"},
		{"Slurm", "SLURM_ARRAY_JOB_ID=7", 7, "SLURM_ARRAY_JOB_ID"},
		{"two that differ", "SLURM_ARRAY_JOB_ID=7 CI_PIPELINE_ID=12", 0, ""},
		{"no number", "GITHUB_RUN_ID=abc", 0, ""},
		{"a system without a number of the run", "JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=3", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seed, from, ok := Seed(environment(tt.env))
			if seed != tt.want || from != tt.from || ok != (tt.from != "") {
				t.Errorf("seed %d from %q, %t; want %d from %q", seed, from, ok, tt.want, tt.from)
			}
		})
	}
}

func TestAcknowledge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "status")
	if err := Acknowledge(environment("TEST_SHARD_STATUS_FILE=" + name)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
	if err := Acknowledge(environment("")); err != nil {
		t.Error(err)
	}
	if err := Acknowledge(environment("TEST_SHARD_STATUS_FILE=" + name + "/x")); err == nil || !strings.Contains(err.Error(), "TEST_SHARD_STATUS_FILE") {
		t.Errorf("a file that cannot be made: %v", err)
	}
}
