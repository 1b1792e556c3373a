#!/bin/bash
# The first minutes on a GPU (docs/gpus-testing.md). See usage() for what it does and how it is called.
set -uo pipefail

usage() {
  cat <<'END'
gpu.sh first [FOLDER]                   whether it works, in at most 180 s: the tests of all that computes
                                        on GPUs, ResNet-50's first 40 steps, the sanitizer over kernels
gpu.sh compare [--after FILE] [FOLDER]  how fast it is, in at most 460 s: against PyTorch, where the time
                                        goes, single kernels. FILE: what failed in these results of
                                        `first` is tried again before
Both need a GPU with its driver and build nothing. FOLDER has bin/ and lib/, without it the package
around this script, or build/release. They use $PYTHON (python3) with PyTorch, and compute-sanitizer
and ncu of the CUDA toolkit; a step whose program is missing fails, the others go on.

$OUT (gpu-results) gets first-results.txt or compare-results.txt, a row when a step ends: what came of
it, how long it took, what it found; first-log.txt or compare-log.txt, all that steps printed; and
comparison.md, the table against PyTorch as it is after each run. What was there before is replaced.
$BUDGET sets other seconds for the whole; $STEPS is a pattern for the steps to be done: STEPS='tests-*'.

Exit code: 0 all steps passed, 1 not all, 2 nothing was done, 143 it was stopped by a signal, which
prints the rows so far as the end does.
END
}

stop() {
  echo "gpu.sh: error: $*" >&2
  exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-python3}
OUT=${OUT:-gpu-results}
STEPS=${STEPS:-*}

# The trained networks: network, precision, batch, data. With $REHEARSAL (set by the tests of this
# script), the same steps run with a network that a CPU can emulate, on the few images in
# $REHEARSAL.
resnet50=(tv-resnet50 bf16 128 synthetic-224x224x3)
lenet=(lenet f32 256 synthetic)
resnet18=(resnet18 bf16 256 synthetic)
vit=(vit-tiny bf16 128 synthetic)
train_steps=40 timed_steps=10 short=() norms=(1 128 'batch norm' bf16 cuda)
if [[ -n ${REHEARSAL:-} ]]; then
  lenet=(lenet f32 8 fashion-mnist --data-dir "$REHEARSAL")
  resnet50=("${lenet[@]}") resnet18=("${lenet[@]}") vit=("${lenet[@]}")
  train_steps=2 timed_steps=1 short=(--batch 8 --warm-up 1 --steps 2)
  norms=(1 1 '[1, 7, 7, 2048] forward' f32 cuda)
fi

. "$here/steps.sh"

# ---- what there is to be done

# Some test programs run in several processes, since the GPU is not their bottleneck.
begin_tests() {
  local name part parts
  while read -r name; do
    case $name in
      cuda_programs) parts=4 ;;
      cuda_kernels) parts=2 ;;
      *) parts=1 ;;
    esac
    for ((part = 0; part < parts; ++part)); do
      begin "tests-$name$( ((parts == 1)) || echo ".$part")" "$1" env D2L_TEST_DEVICE=cuda \
        OMP_NUM_THREADS=1 GTEST_TOTAL_SHARDS="$parts" GTEST_SHARD_INDEX="$part" "$programs/test_$name"
    done
  done <"$folder/tests/device_tests.txt"
}

# Failed runtime calls that the vendor's libraries handle themselves are not reported.
begin_sanitizers() {
  local kernels
  for kernels in BatchNorm Recording Pooling; do
    begin "memcheck-$kernels" "$1" env D2L_TEST_DEVICE=cuda compute-sanitizer --tool memcheck \
      --error-exitcode 9 --report-api-errors no "$programs/test_cuda_kernels" \
      --gtest_filter="*$kernels*"
  done
}

# begin_training NAME SECONDS OPTION...: ResNet-50's first steps and the run's log.
begin_training() {
  local name=$1 limit=$2 out=$logs/run-$1
  shift 2
  begin "$name" "$limit" sh -c 'd2l-train "$@" --out "$0" && cat "$0/log.txt"' "$out" \
    --model "${resnet50[0]}" --precision "${resnet50[1]}" --batch-size "${resnet50[2]}" \
    --data "${resnet50[@]:3}" --device cuda --max-steps "$train_steps" --log-every $((train_steps / 2)) \
    --eval-every 1000000 --save-every 1000000 "$@"
}

begin_versions() {
  begin versions 60 sh -c 'nvcc --version | tail -n 2; compute-sanitizer --version | tail -n 1
    ncu --version | tail -n 1; "$0" -c "import torch, torchvision
print(f\"found: PyTorch {torch.__version__}, torchvision {torchvision.__version__}, CUDA\",
      f\"{torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}\",
      f\"on {torch.cuda.get_device_name()}\")"' "$PYTHON"
}

first() {
  begin_versions
  begin_tests 170
  await_all 100  # slower tests continue beside the next steps
  one begin_training train-graph 40
  one begin_training train-no-graph 40 --cuda-graph off
  begin_sanitizers 60
  await_all
}

# again RESULTS: repeats all steps that failed there, at the same time.
again() {
  only=$(awk '$2 ~ /^(FAILED|stopped|left-out)/ { print $1 }' "$1")
  [[ -n $only ]] || return
  begin_versions
  begin_tests 45
  begin_training train-graph 45
  begin_training train-no-graph 45 --cuda-graph off
  begin_sanitizers 45
  await_all
  only=
}

# against_torch NAME SECONDS ROUNDS VARIANTS MODEL PRECISION...
against_torch() {
  one begin "torch-$1" $(($2 + 5)) "$PYTHON" "$here/compare_torch.py" --device cuda --build "$folder" \
    --models "$5" --precision "$6" --rounds "$3" --variants "$4" --budget "$2" --limit 120 \
    --results "$OUT/comparison.md" "${short[@]}"
}

# where_time_goes NAME MODEL PRECISION BATCH DATA...
where_time_goes() {
  one begin "time-$1" 45 d2l-train --model "$2" --precision "$3" --batch-size "$4" --data "${@:5}" \
    --device cuda --time "$timed_steps"
}

compare() {
  [[ -z $after ]] || again "$after"
  against_torch resnet50 210 2 channels_last-fused,compile-channels_last-fused "${resnet50[@]}"
  against_torch lenet 60 1 eager,compile-fused "${lenet[@]}"
  where_time_goes resnet50 "${resnet50[@]}"
  where_time_goes lenet "${lenet[@]}"
  where_time_goes vit-tiny "${vit[@]}"
  one begin batch-norm 30 bench-kernels "${norms[@]}"
  one begin cudnn-fusions 45 bench-cudnn-fusions "${resnet50[2]}"
  against_torch resnet18 60 1 compile-channels_last-fused "${resnet18[@]}"
  against_torch vit-tiny 60 1 compile-fused "${vit[@]}"
  one begin ncu-batch-norm 60 ncu --clock-control none --set detailed --kernel-name regex:sums_kernel \
    --launch-skip 3 --launch-count 1 bench-kernels "${norms[@]}"
}

# ---- where everything is

# Libraries that the module needs and cannot find; the programs load those in lib/.
missing_libraries() {
  local name
  ldd "$module" 2>&1 | awk '/not found/ { print $1 }' | while read -r name; do
    [[ -e $folder/lib/$name ]] || echo "$name"
  done
}

# cuDNN and NCCL may exist only in Python packages. Then all of the vendor's libraries are taken
# from there, otherwise none: their versions have to match.
find_libraries() {
  module=${D2L_CUDA_MODULE:-$folder/lib/libd2l_cuda.so}
  [[ -e $module ]] || stop "there is no $module"
  local wheels
  [[ -n $(missing_libraries) ]] || return 0
  wheels=$("$PYTHON" -c 'import glob, nvidia
print(":".join(path for root in nvidia.__path__ for path in glob.glob(root + "/*/lib")))' 2>/dev/null) || wheels=''
  export LD_LIBRARY_PATH=$wheels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  [[ -z $(missing_libraries) ]] ||
    stop "$module needs$(missing_libraries | sed 's/^/ /' | tr -d '\n'); LD_LIBRARY_PATH may name their folders"
}

call='' folder='' after=''
while (($#)); do
  case $1 in
    first | compare) call=$1 ;;
    --after)
      after=${2:-}
      [[ -f $after ]] || stop "--after expects a file of results, found '$after'"
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) [[ -n $call && $1 != -* && -z $folder ]] || stop "expected first or compare, found '$1'; see --help"
      folder=$1 ;;
  esac
  shift
done
[[ -n $call ]] || stop "expected first or compare; see --help"
[[ -z $after || $call == compare ]] || stop "--after has no effect with $call"
if [[ -z $folder ]]; then
  folder=$here/..
  [[ -x $folder/bin/d2l-train ]] || folder=$here/../build/release
fi
[[ -x $folder/bin/d2l-train ]] || stop "there is no $folder/bin/d2l-train"
folder=$(cd "$folder" && pwd)
[[ -s $folder/tests/device_tests.txt ]] || stop "there is no $folder/tests/device_tests.txt"
programs=$folder/tests  # in a package
[[ -x $programs/test_tensor ]] || programs=$folder/bin
find_libraries
export PATH=$folder/bin:$PATH:/usr/local/cuda/bin
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1
gpus=$(timeout --kill-after 5 30 nvidia-smi) || stop "nvidia-smi finds no GPU"

if [[ $call == first ]]; then BUDGET=${BUDGET:-180}; else BUDGET=${BUDGET:-460}; fi
[[ $BUDGET =~ ^[1-9][0-9]*$ ]] || stop "BUDGET expects seconds, found '$BUDGET'"
mkdir -p "$OUT" && [[ -w $OUT ]] || stop "OUT expects a folder to write to, found '$OUT'"
OUT=$(cd "$OUT" && pwd)
results=$OUT/$call-results.txt log=$OUT/$call-log.txt
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
trap stopped TERM INT HUP

: >"$results"
{ printf '%s\n' "$gpus" && ldd "$module"; } >"$log"
row gpu passed "$SECONDS" \
  "$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader | head -n 1)"
row libraries passed "$SECONDS" \
  "$(ldd "$module" | awk '/libcudnn\.so|libnccl|libcublasLt/ { printf "%s ", $3 }')"
[[ $call == first ]] || rm -f "$OUT/comparison.md"
case $call in
  first) first ;;
  compare) compare ;;
esac
[[ -n $has_begun ]] || stop "there is no step '$STEPS'"
if ((status == 0)); then verdict=passed; else verdict=FAILED; fi
row all "$verdict" "$SECONDS" ""
summary
exit "$status"
