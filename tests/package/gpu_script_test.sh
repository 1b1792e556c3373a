#!/bin/bash
# Kills benchmarks/gpu.sh and its steps: no row of a finished step may be lost. The script and
# compare_torch.py are the real ones; the programs that they run are stubs that do nothing, or hang.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/package/root.sh
. "$here/root.sh"
command -v python3 >/dev/null || skip "no python3"
command -v patchelf >/dev/null || skip "no patchelf"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OUT=$work/results TURN=$work/turn TURNS=$work/turns REHEARSAL=none
export PATH=$work/bin:$here/stand_ins:$PATH PYTHONPATH=$here/stand_ins PYTHONDONTWRITEBYTECODE=1

stub() {
  cat >"$work/$1"
  chmod +x "$work/$1"
}

# A build folder with test programs of one, two and four parts.
make_stubs() {
  local name
  mkdir "$work"/{bin,lib,tests}
  printf '%s\n' tensor cuda_kernels cuda_programs >"$work/tests/device_tests.txt"
  cp /bin/true "$work/lib/libd2l_cuda.so"
  # The first $ENDING callers return, later ones hang; number $KILLED is killed.
  stub turn <<'END'
#!/bin/sh
turn=1
until mkdir "$TURNS/$turn" 2>/dev/null; do turn=$((turn + 1)); done
[ "$turn" != "${KILLED:-}" ] || kill -KILL $PPID
[ "$turn" -le "$ENDING" ] || exec sleep 60
END
  stub bin/d2l-train <<'END'
#!/bin/sh
"$TURN"
out=
while [ $# != 0 ]; do
  [ "$1" != --out ] || out=$2
  shift
done
echo "a stub, 61,706 parameters"
[ -n "$out" ] || exit 0
mkdir -p "$out"
echo "a day, step 2: loss 2.3000, 4000 examples/s, waited 0 s for data" >"$out/log.txt"
printf 'step,examples_per_s\n1,3000\n2,4000\n3,4000\n' >"$out/metrics.csv"
END
  for name in tests/test_tensor tests/test_cuda_kernels tests/test_cuda_programs bin/bench-kernels \
      bin/bench-cudnn-fusions bin/compute-sanitizer bin/ncu; do
    printf '#!/bin/sh\n[ "$1" = --version ] || "$TURN"\n' | stub "$name"
  done
}

# begin ENDING CALL...: starts gpu.sh in the background; the first ENDING stubs return.
begin() {
  rm -rf "$OUT" "$TURNS"
  mkdir "$TURNS"
  ENDING=$1 "$here/../../benchmarks/gpu.sh" "${@:2}" "$work" >"$work/said" 2>&1 &
  script=$!
}

rows() { cat "$OUT"/*-results.txt 2>/dev/null || true; }
# The number of runs in the table against PyTorch.
runs() {
  [[ -e $OUT/comparison.md ]] || { echo 0; return; }
  awk -F' *[|] *' '$2 == "lenet" { runs += $7 } END { print runs + 0 }' "$OUT/comparison.md"
}

# has_come_to ENDING ROWS RUNS: the next stub hangs, and the results of those before are written.
has_come_to() {
  [[ -e $TURNS/$(($1 + 1)) && $(rows | wc -l) == "$2" && $(runs) == "$3" ]]
}

# killed SIGNAL CALL ENDING ROWS RUNS
killed() {
  local tries=0 children code=0 lost
  begin "$3" "$2"
  until has_come_to "$3" "$4" "$5"; do
    ((++tries < 200)) || die "$2, $3 stubs ended: expected $4 rows and $5 runs, found
$(rows; cat "$OUT/comparison.md" "$work/said")"
    sleep 0.05
  done
  children=$(cat "/proc/$script/task/$script/children")
  rows >"$work/before"
  kill "-$1" "$script"
  wait "$script" 2>/dev/null || code=$?
  lost=$(grep -vxF -f <(rows) "$work/before") && die "$2, $3 stubs ended, $1: lost $lost"
  (($(runs) == $5)) || die "$2, $3 stubs ended, $1: expected $5 runs, found $(cat "$OUT/comparison.md")"
  [[ $(rows | awk 'NF < 4 || $4 != "s"') == "" ]] || die "not whole: $(rows)"
  if [[ $1 == TERM ]]; then
    ((code == 143)) || die "$2, $3 stubs ended: expected exit code 143, found $code"
    lost=$(grep -vxF -f "$work/said" <(rows; grep '^|' "$OUT/comparison.md" 2>/dev/null)) &&
      die "$2, $3 stubs ended: not said: $lost"
    grep -q ' stopped ' "$work/said" || die "no step was stopped: $(cat "$work/said")"
    for child in $children; do [[ ! -e /proc/$child ]] || die "a step goes on: $(cat "$work/said")"; done
  else
    # shellcheck disable=SC2086  # process numbers
    kill $children 2>/dev/null || true
  fi
  ((++kills))
}

# Kills the script after each step in turn; in the first comparison after each of its runs.
test_kills() {
  local signals=(KILL TERM) ending point
  kills=0
  for ((ending = 0; ending < 12; ++ending)); do
    killed "${signals[ending % 2]}" first $ending $((3 + ending)) 0
  done
  for ((ending = 0; ending < 5; ++ending)); do
    STEPS=torch-resnet50 killed "${signals[ending % 2]}" compare $ending 2 $ending
  done
  # Finished stubs, rows, runs in the table.
  for point in "3 3 3" "4 4 3" "5 5 3" "6 6 3" "7 7 3" "8 8 3" "10 9 5" "12 10 7"; do
    read -r ending rows runs <<<"$point"
    STEPS='!(torch-resnet50)' killed "${signals[ending % 2]}" compare "$ending" "$rows" "$runs"
  done
  echo "no row is lost by $kills kills"
}

expect_row() {
  grep -Eq "^$1( |$)" <(rows | tr -s ' ') || die "expected a row '$1', found
$(rows)"
}

test_a_step_is_killed() {
  local code=0
  KILLED=9 begin 100 first  # the eighth is the last of the test programs
  wait "$script" || code=$?
  ((code == 1)) || die "expected exit code 1, found $code: $(cat "$work/said")"
  (($(rows | wc -l) == 16)) || die "expected 16 rows, found $(rows)"
  expect_row 'train-no-graph FAILED\(137\) [0-9]+ s'
  expect_row 'memcheck-Pooling passed'
  expect_row 'all FAILED'
  echo "a step that is killed is one failed row"
}

test_time_is_up() {
  local code=0 found="d2l 4,000.0/s; PyTorch, channels_last-fused 1,000.0/s, d2l 4.00x; "
  found+="PyTorch, compile-channels_last-fused 2,000.0/s, d2l 2.00x"
  BUDGET=8 begin 3 compare
  wait "$script" || code=$?
  ((code == 1)) || die "expected exit code 1, found $code: $(cat "$work/said")"
  expect_row "torch-resnet50 FAILED\(124\) [0-9]+ s did not end within [0-9] s; $found"
  expect_row 'ncu-batch-norm (left-out|FAILED)'
  (($(rows | wc -l) == 13)) || die "expected 13 rows, found $(rows)"
  echo "a step that takes too long has its rows, and the time for all is kept"
}

# expect_refusal TEXT WORD...
expect_refusal() {
  local text=$1 code=0 said
  shift
  said=$("$here/../../benchmarks/gpu.sh" "$@" 2>&1) || code=$?
  [[ $code == 2 && $said == *"$text"* ]] || die "gpu.sh $*: expected '$text', found $code, $said"
}

test_refusals() {
  expect_refusal "expected first or compare"
  expect_refusal "expected first or compare, found 'tests'" tests
  expect_refusal "there is no $work/none/bin/d2l-train" first "$work/none"
  expect_refusal "--after expects a file of results, found '$work/none'" compare --after "$work/none"
  expect_refusal "--after has no effect with first" first --after "$work/turn" "$work"
  BUDGET=soon expect_refusal "BUDGET expects seconds, found 'soon'" first "$work"
  OUT=$work/turn expect_refusal "OUT expects a folder to write to, found '$work/turn'" first "$work"
  # A library that does not exist; programs find one in the module's folder.
  patchelf --add-needed libabsent.so.1 "$work/lib/libd2l_cuda.so"
  expect_refusal "libd2l_cuda.so needs libabsent.so.1; LD_LIBRARY_PATH may name" first "$work"
  touch "$work/lib/libabsent.so.1"
  STEPS=none expect_refusal "there is no step 'none'" first "$work"
  mkdir -p "$OUT" && echo kept >"$OUT/first-results.txt"
  printf '#!/bin/sh\necho "stub: error: no GPU" >&2\nexit 9\n' | stub bin/nvidia-smi
  expect_refusal "nvidia-smi finds no GPU" first "$work"
  [[ $(cat "$OUT/first-results.txt") == kept ]] || die "results went though there is no GPU"
  rm "$work/bin/nvidia-smi"
  echo "what cannot be done is refused in one line"
}

# An epoch of 64 batches on a GPU; and the time of a run without the steps after its first.
test_side_of_d2l() {
  PYTHONPATH=$here/../../benchmarks python3 - "$work" <<'END' || die "d2l_side.py"
import pathlib
import sys

import d2l_side

for device, batches in (("cpu", 8), ("cuda", 64)):
    folder = pathlib.Path(sys.argv[1]) / device
    folder.mkdir()
    d2l_side.write_data(folder, {"device": device, "channels": 1, "side": 28, "batch": 4})
    size = (folder / "train-images-idx3-ubyte").stat().st_size
    assert size == 16 + batches * 4 * 28 * 28, f"{device}: {size} bytes of images"
for span, speeds, seconds in ((1, [50, 100, 100], 8), (2, [100, 200, 200], 7.5)):
    found = d2l_side.first_step_seconds(10, speeds, {"batch": 100, "span": span})
    assert found == seconds, f"spans of {span}: expected {seconds} s, found {found}"
END
  echo "epochs are long enough for a GPU"
}

make_stubs
test_side_of_d2l
test_refusals
test_a_step_is_killed
test_time_is_up
test_kills
