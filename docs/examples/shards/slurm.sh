#!/bin/bash
# A suite as a job array of Slurm. sbatch this file in the directory with your scenarios, then merge:
#
#   job=$(sbatch --parsable slurm.sh DIR)
#   sbatch --dependency=afterany:$job --wrap "halfopen merge shards-$job/* --out evidence --report junit=junit.xml"
#
# The array can have any size and begins at 1 or 0. The number of the job is the seed, also of a task that Slurm requeues because
# its node was lost: it does the same runs again, and what was stored of it is replaced.
#SBATCH --job-name=halfopen
#SBATCH --array=1-4
#SBATCH --requeue
#SBATCH --output=halfopen-%A-%a.log
#SBATCH --open-mode=append
exec halfopen run --shard auto --out "shards-$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID" "$@"
