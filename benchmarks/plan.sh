#!/bin/bash
# How well d2l-train --plan predicts a step over a slow network: two ranks in two network
# namespaces, whose links are limited to RATE. Plans and runs alternate. As root, with iproute2.
#
#     benchmarks/plan.sh PROGRAMS [PAIRS [RATE [BATCH]]]      default: 5 pairs, 1gbit, 128
#
# Prints a line for each pair, then the medians: the predicted and the measured step, and how much
# of the communication that can be hidden is hidden (docs/scaling.md).
set -euo pipefail

programs=$(readlink -f "$1") pairs=${2:-5} rate=${3:-1gbit} batch=${4:-128}
hosts=$(readlink -f "$(dirname "$0")/../tests/cluster/hosts.sh")
folder=$(mktemp -d)
trap '"$hosts" down "$folder/hosts"; rm -rf "$folder"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1

"$hosts" up "$folder/hosts" 2
switch=$(ip netns list | grep -o "^d2l$(printf '%s' "$folder/hosts" | cksum | cut -c1-6)-switch")
for host in 1 2; do
  limit="root tbf rate $rate burst 256kb latency 50ms"
  tc -n "$switch" qdisc add dev "port$host" $limit
  tc -n "${switch%-switch}-h$host" qdisc add dev eth0 $limit
done

# [OPTION...]: the same training, planned or run
train() {
  "$hosts" mpirun "$folder/hosts" -n 2 "$programs/d2l-train" --model resnet18 \
    --data synthetic-32x32x3 --batch-size "$batch" --momentum 0.9 --threads 1 --loader-threads 1 \
    --out "$folder/run" "$@"
}
# The number of milliseconds after NAME in the plan.
milliseconds() { sed -n "s/^$1 *\([0-9.]*\) ms.*/\1/p" "$folder/plan"; }
median() { sort -n | awk '{n[NR] = $1} END {print n[int((NR + 1) / 2)]}'; }

for ((pair = 1; pair <= pairs; ++pair)); do
  load=$(cut -d' ' -f1 /proc/loadavg)
  train --plan >"$folder/plan"
  rm -rf "$folder/run"
  train --max-steps 16 --eval-every 1000000 --save-every 1000000 --log-every 2 --progress off >"$folder/log"
  measured=$(awk -F, -v batch="$batch" 'NR > 2 && $6 > 0 {print 1000 * batch / $6}' \
    "$folder/run/metrics.csv" | median)
  hideable=$(sed -n 's/.*of which \([0-9]*\) % can be hidden.*/\1/p' "$folder/plan")
  echo "$load $(milliseconds computing) $(milliseconds 'all-reduces alone') $hideable \
$(milliseconds 'a step') $measured"
done | awk '{
    hidden = 100 * ($2 + $3 - $6) / ($3 * $4 / 100)
    printf "load %s: computing %.0f ms, all-reduces %.0f ms (%s %% can be hidden), step: predicted " \
           "%.0f ms, measured %.0f ms (%+.1f %%), hidden %.0f %%\n",
           $1, $2, $3, $4, $5, $6, 100 * ($5 / $6 - 1), hidden
    fflush()
    print 100 * ($5 / $6 - 1), hidden >"'"$folder"'/pairs"
  }'
echo "medians: predicted - measured $(cut -d' ' -f1 "$folder/pairs" | median) %, hidden $(
  cut -d' ' -f2 "$folder/pairs" | median) % of what can be"
