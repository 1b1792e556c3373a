# Read by the batch scripts: starts d2l-train on the job's ranks.
# shellcheck shell=bash

PROGRAMS=${D2L_PROGRAMS:-$SLURM_SUBMIT_DIR/build/release/bin}   # the folder of d2l-train
RESTARTS=${RESTARTS:-100}                                       # at most, of one job

# Exit codes of d2l-train (docs/running.md) after which a job goes on.
STOPPED_EARLY=75  # after a signal or --max-time, with the state saved
RANK_KILLED=137   # the other ranks have saved the state

# run_and_requeue OPTION...: begins the run, or continues it. If d2l-train stops before its end, the
# job goes back to the queue. Exits with d2l-train's exit code.
run_and_requeue() {
  srun --mpi=pmix --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --kill-on-bad-exit=1 \
    "$PROGRAMS/d2l-train" "$@" --resume auto
  local code=$?
  if [ "$code" -eq "$STOPPED_EARLY" ] || [ "$code" -eq "$RANK_KILLED" ]; then
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "$RESTARTS" ]; then
      echo "d2l-train has exited with code $code: job $SLURM_JOB_ID goes back to the queue"
      scontrol requeue "$SLURM_JOB_ID" && sleep 60  # Slurm ends this script
    else
      echo "d2l-train has exited with code $code after $RESTARTS restarts: the job ends"
    fi
  fi
  exit "$code"
}
