#!/bin/bash
# All that needs a GPU, in one go of less than ten minutes: the tests, the sanitizer, the comparison
# with PyTorch. For a build folder or an unpacked package; builds nothing.
#   benchmarks/gpu.sh [--tests] [FOLDER]   FOLDER has bin/ and lib/; without it the package around
#                                          this script, or build/release. --tests: only the tests
# Logs go to $OUT (gpu-results without it); the last lines are a table of what passed and how long it
# took. Exit code 0 only when all did. A step that would begin after $BUDGET seconds is left out.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUDGET=${BUDGET:-540}
PYTHON=${PYTHON:-python3}
OUT=${OUT:-gpu-results}
only_tests=
if [[ ${1-} == --tests ]]; then
  only_tests=yes
  shift
fi
folder=${1:-$here/..}
[[ -x $folder/bin/d2l-train ]] || folder=$here/../build/release
[[ -x $folder/bin/d2l-train ]] || { echo "gpu.sh: error: no bin/d2l-train in ${1:-$here/.. or $folder}" >&2; exit 1; }
folder=$(cd "$folder" && pwd)
programs=$folder/tests  # of the tests, in a package
[[ -x $programs/test_tensor ]] || programs=$folder/bin
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)

# cuDNN and NCCL may only be there as parts of Python packages.
wheels=$("$PYTHON" -c 'import glob, nvidia
print(":".join(glob.glob(list(nvidia.__path__)[0] + "/*/lib")))' 2>/dev/null) || wheels=
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$wheels
export PATH=$folder/bin:$PATH
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1

results=()
status=0

# step NAME SECONDS COMMAND...: one row of the table; SECONDS are the most that it may take.
step() {
  local name=$1 limit=$2 begin=$SECONDS verdict=passed
  shift 2
  if ((begin >= BUDGET)); then
    results+=("$name|left out|")
    status=1
    return
  fi
  ((limit = limit < BUDGET + 30 - begin ? limit : BUDGET + 30 - begin))
  timeout --kill-after 5 "$limit" "$@" >"$OUT/$name.log" 2>&1 </dev/null
  local code=$?
  if ((code == 77)); then verdict=skipped; elif ((code != 0)); then verdict="FAILED ($code)"; fi
  [[ $verdict == passed ]] || status=1
  results+=("$name|$verdict|$((SECONDS - begin)) s")
  printf '== %s: %s, %d s\n' "$name" "$verdict" $((SECONDS - begin))
  [[ $verdict == passed ]] || tail -n 15 "$OUT/$name.log"
}

room() { step "tests-$1" 90 env D2L_TEST_DEVICE=cuda "$programs/test_$1"; }

compare() {
  local models=$1 precision=$2
  step "torch-$precision-$models" 240 "$PYTHON" "$here/compare_torch.py" --device cuda --build "$folder" \
    --models "$models" --precision "$precision" --rounds "${ROUNDS:-3}"
  grep '^|' "$OUT/torch-$precision-$models.log" | tail -n +3 >>"$OUT/comparison.md"
}

: >"$OUT/comparison.md"
nvidia-smi | tee "$OUT/machine.log" || { echo "gpu.sh: error: nvidia-smi finds no GPU" >&2; exit 1; }

while read -r name; do room "$name"; done <"$folder/tests/device_rooms.txt"
if [[ -z $only_tests ]]; then
  compare tv-resnet50 bf16
  compare lenet f32
  compare resnet18 bf16
  compare vit-tiny bf16
  step sanitizer 90 compute-sanitizer --tool memcheck --error-exitcode 9 \
    env D2L_TEST_DEVICE=cuda "$programs/test_cuda_kernels" --gtest_filter=-CudaProducts*
  step where-the-time-goes 60 d2l-train --model tv-resnet50 --data synthetic-224x224x3 --batch-size 128 \
    --precision bf16 --device cuda --time 10
  compare googlenet bf16
  compare alexnet bf16
  compare tv-vgg16 bf16
  compare tv-resnet50 tf32
fi

printf '\n'
cat "$OUT/comparison.md"
printf '\n%-32s %-12s %s\n' step result time
for row in "${results[@]}"; do
  IFS='|' read -r name verdict took <<<"$row"
  printf '%-32s %-12s %s\n' "$name" "$verdict" "$took"
done
exit "$status"
