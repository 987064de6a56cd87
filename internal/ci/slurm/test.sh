#!/bin/bash
# Runs a suite as a job array of Slurm, on a controller and two nodes of this machine (cluster.sh), switches one node off in the
# middle, merges what the tasks stored, and compares it with a plain run. As root, with halfopen in PATH:
#
#   internal/ci/slurm/test.sh [ARGUMENT OF halfopen run]...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${CLUSTER:-}" = "" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	unshare --mount --net --pid --fork --mount-proc --kill-child "$here/cluster.sh" "$work/cluster" "$here/test.sh" "$@"
	exit
fi

. "$here/cluster.sh"
cleanup() { tail -n 20 "$CLUSTER"/*.log halfopen-*.log >&2; }
trap 'cleanup' ERR

job=$(sbatch --parsable "$here/../../../docs/examples/shards/slurm.sh" "$@")

# in_the_middle succeeds while a task on node2 has done some of its runs, and not all.
in_the_middle() {
	task=$(squeue --noheader --array --job="$job" --states=RUNNING --nodelist=node2 --format=%K)
	[ -n "$task" ] && records=shards-$job/$task/results.ndjson && [ -e "$records" ] || return 1
	done=$(grep -c '"record":"run"' "$records") && ! grep -q '"record":"summary"' "$records"
}
wait_for 300 in_the_middle
power_off node2
echo "node2 was switched off in task $task, after $done of its runs"

# A controller that does not answer says nothing of the job.
ended() { left=$(squeue --noheader --job="$job") && [ -z "$left" ]; }
wait_for 1200 ended
grep -q ' Restarts=1 ' <<<"$(scontrol --oneliner show job "${job}_$task")" || { echo "task $task was not requeued" >&2; false; }

# The exit statuses of the suites are compared, whatever they are.
merged=0 plain=0
halfopen merge "shards-$job"/* --out merged --report junit=merged.xml >merged.txt || merged=$?
halfopen run --seed "$job" --out plain --report junit=plain.xml "$@" >plain.txt || plain=$?

# outcomes writes what came of each run, without times, to a file. Each command must succeed.
outcomes() {
	{
		jq -c 'select(.record == "run") | [.index, .id, .seed, .place, .status, [.verdicts[] | [.title, .status]]]' "$1/results.ndjson" | sort
		(cd "$1" && find . -name verdict.json | sort)
		grep -o '<testcase name="[^"]*" classname="[^"]*"' "$1.xml"
	} >"$1.outcomes"
}
[ "$merged" = "$plain" ] || { echo "the exit status of merge is $merged, that of a plain run $plain" >&2; false; }
outcomes plain
outcomes merged
diff plain.outcomes merged.outcomes
twice=$(jq -r 'select(.record == "run") | .index' merged/results.ndjson | sort | uniq -d)
[ -z "$twice" ] || { echo "runs that are there twice: $twice" >&2; false; }
echo "an array job of 4 tasks, one of them requeued, did the same $(jq -r 'select(.record == "summary") | .runs' merged/results.ndjson) runs as a plain one, with the same outcome (status $merged)"
