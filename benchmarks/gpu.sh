#!/bin/bash
# All that needs a GPU, in one go of less than ten minutes: the tests, where the time goes, the
# sanitizer, the comparison with PyTorch. For a build folder or an unpacked package; builds nothing.
#   benchmarks/gpu.sh [--tests] [FOLDER]   FOLDER has bin/ and lib/; without it the package around
#                                          this script, or build/release. --tests: only the tests
# Needs nvidia-smi; for the comparison, of $ROUNDS (3) rounds, a $PYTHON (python3) with PyTorch; for the
# sanitizer CUDA's compute-sanitizer.
# $OUT (gpu-results without it) gets log.txt, all that the steps print; comparison.md; results.txt, a
# table of what passed, how long it took and what it found, which are the last lines here too. Exit code
# 0 only when something was run and all passed. Each step has a limit of its own, after which it is killed
# and the next one begins; one that would begin after $BUDGET seconds is left out; $STEPS is a pattern for
# those to be run at all: STEPS='torch-*'.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUDGET=${BUDGET:-540}
PYTHON=${PYTHON:-python3}
OUT=${OUT:-gpu-results}
STEPS=${STEPS:-*}

stop() {
  echo "gpu.sh: error: $*" >&2
  exit 1
}

only_tests= folder=
for word in "$@"; do
  case $word in
    --tests) only_tests=yes ;;
    -*) stop "expected --tests or a folder, found $word" ;;
    *) folder=$word ;;
  esac
done
if [[ -z $folder ]]; then
  folder=$here/..
  [[ -x $folder/bin/d2l-train ]] || folder=$here/../build/release
fi
[[ -x $folder/bin/d2l-train ]] || stop "there is no $folder/bin/d2l-train"
folder=$(cd "$folder" && pwd)
rooms=$folder/tests/device_rooms.txt
[[ -s $rooms ]] || stop "there is no $rooms"
programs=$folder/tests  # of the tests, in a package
[[ -x $programs/test_tensor ]] || programs=$folder/bin

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# cuDNN and NCCL may only be there as parts of Python packages. All of the vendor's libraries are taken
# from these then, and none otherwise: they have to fit each other.
module=${D2L_CUDA_MODULE:-$folder/lib/libd2l_cuda.so}
[[ -e $module ]] || stop "there is no $module"
if [[ $(ldd "$module" 2>&1) == *"not found"* ]]; then
  wheels=$("$PYTHON" -c 'import glob, nvidia
print(":".join(path for root in nvidia.__path__ for path in glob.glob(root + "/*/lib")))' 2>/dev/null) || wheels=
  export LD_LIBRARY_PATH=$wheels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
if [[ $(ldd "$module" 2>&1) == *"not found"* ]]; then
  ldd "$module" 2>&1 | grep 'not found' >&2
  stop "$module needs these; LD_LIBRARY_PATH may name their folders"
fi
export PATH=$folder/bin:$PATH
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1

results=()
status=0

# In a few words what a step's log says: of tests, d2l-train --time and compare_torch.py.
findings() {
  awk -F'|' '
    /^\[  PASSED  \]/ { split($0, words, " "); say(words[4] " tests") }
    /^all of these / { count = split($0, words, " "); say(words[count - 1] " % of possible") }
    / examples\/s with data;/ { sub(/.* steps?, /, ""); sub(/ with data;.*/, ""); say($0) }
    /^\| / && $2 !~ /model|---/ {
      gsub(/^ +| +$/, "", $6); gsub(/ /, "", $7); gsub(/ /, "", $9)
      say($6 " " $7 "/s" ($9 == "" ? "" : ", d2l " $9))
    }
    function say(what) { text = text (text == "" ? "" : "; ") what }
    END { print text }' "$1"
}

# step NAME SECONDS COMMAND...: one row of the table; SECONDS are the most that it may take.
step() {
  local name=$1 limit=$2 begin=$SECONDS verdict=passed
  shift 2
  # shellcheck disable=SC2053  # a pattern
  [[ $name == $STEPS ]] || return
  if ((begin >= BUDGET)); then
    results+=("$name|left out||")
    status=1
    return
  fi
  ((limit = limit < BUDGET + 30 - begin ? limit : BUDGET + 30 - begin))
  timeout --kill-after 5 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null
  local code=$?
  { printf '\n==== %s\n' "$name" && cat "$logs/$name.log"; } >>"$OUT/log.txt"
  if ((code == 77)); then verdict=skipped; elif ((code != 0)); then verdict="FAILED ($code)"; fi
  [[ $verdict == passed ]] || status=1
  results+=("$name|$verdict|$((SECONDS - begin)) s|$(findings "$logs/$name.log")")
  printf '== %s: %s, %d s\n' "$name" "$verdict" $((SECONDS - begin))
  [[ $verdict == passed ]] || tail -n 15 "$logs/$name.log"
}

room() { step "tests-$1" 90 env D2L_TEST_DEVICE=cuda "$programs/test_$1"; }

# compare MODEL PRECISION SECONDS [OPTION...]: no further round begins after so many; options of
# compare_torch.py.
compare() {
  local model=$1 precision=$2 seconds=$3
  local name=torch-$precision-$model
  shift 3
  step "$name" $((seconds + 100)) "$PYTHON" "$here/compare_torch.py" --device cuda --build "$folder" \
    --models "$model" --precision "$precision" --rounds "${ROUNDS:-3}" --budget "$seconds" --limit 100 "$@"
  [[ -f $logs/$name.log ]] || return
  local first=1  # a table's heading once
  [[ ! -s $OUT/comparison.md ]] || first=3
  grep '^|' "$logs/$name.log" | tail -n "+$first" >>"$OUT/comparison.md"
}

# where_time_goes MODEL PRECISION BATCH DATA
where_time_goes() {
  step "time-$1" 60 d2l-train --model "$1" --precision "$2" --batch-size "$3" --data "$4" --device cuda --time 10
}

gpus=$(timeout --kill-after 5 30 nvidia-smi) || stop "nvidia-smi finds no GPU"
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
: >"$OUT/comparison.md"
{ printf '%s\n' "$gpus" && ldd "$module"; } >"$OUT/log.txt"
printf '%s\n' "$gpus"

while read -r name; do room "$name"; done <"$rooms"
if [[ -z $only_tests ]]; then
  compare tv-resnet50 bf16 170 --d2l-options='--cuda-graph off'
  compare lenet f32 80 --d2l-options='--cuda-graph off'
  where_time_goes tv-resnet50 bf16 128 synthetic-224x224x3
  where_time_goes lenet f32 256 synthetic
  where_time_goes vit-tiny bf16 128 synthetic
  compare resnet18 bf16 80
  compare vit-tiny bf16 80
  # What the vendor's libraries ask of the runtime and do without is none of ours.
  step sanitizer 120 env D2L_TEST_DEVICE=cuda compute-sanitizer --tool memcheck --error-exitcode 9 \
    --report-api-errors no "$programs/test_cuda_kernels" --gtest_filter=-CudaProducts*
  compare googlenet bf16 80
  compare alexnet bf16 80
  compare tv-vgg16 bf16 80
  compare tv-resnet50 tf32 80
  compare tv-resnet50 fp16 80
fi

((${#results[@]})) || stop "there is no step '$STEPS'"
{
  printf '\n'
  cat "$OUT/comparison.md"
  printf '\n%-32s %-12s %-6s %s\n' step result time found
  for row in "${results[@]}" "all||$SECONDS s|"; do
    IFS='|' read -r name verdict took found <<<"$row"
    printf '%-32s %-12s %-6s %s\n' "$name" "$verdict" "$took" "$found"
  done
} | tee "$OUT/results.txt"
exit "$status"
