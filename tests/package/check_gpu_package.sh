#!/bin/bash
# Checks the package for a GPU's first minutes (docs/package.md).
#   check_gpu_package.sh --contents FILE   checks that it contains what benchmarks/gpu.sh runs and nothing
#                                          else, and is small enough to copy
#   check_gpu_package.sh --rehearse BUILD  installs it from a build folder, with the module that runs on
#                                          the CPU instead of the GPU's, and runs all steps of gpu.sh in
#                                          a root folder with stubs for the machine's programs
# Exit code: 0 passed, 1 failed, 77 this user may not create such a root folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/package/root.sh
. "$here/root.sh"

MOST_MIB=55            # packed: the size of an upload is limited
MOST_UNPACKED_MIB=200  # xz compresses it to less than a fifth
NAME="d2l-gpu"

device_tests() { cat "$1/tests/device_tests.txt"; }

# same WHAT EXPECTED FOUND
same() {
  [[ $2 == "$3" ]] || die "$1, expected (<) and found (>):
$(diff <(echo "$2") <(echo "$3"))"
}

# check_contents FOLDER: checks all files except the module.
check_contents() {
  local programs=(bench-kernels d2l-ckpt d2l-train mpirun orted)
  [[ ! -e $1/bin/bench-cudnn-fusions ]] || programs+=(bench-cudnn-fusions)
  same "bin" "$(printf '%s\n' "${programs[@]}" | sort)" "$(ls "$1/bin" | sort)"
  same "tests" "$( (device_tests "$1" | sed 's/^/test_/' && echo device_tests.txt) | sort)" \
    "$(cd "$1/tests" && find . -type f | sed 's,^\./,,' | sort)"
  same "benchmarks" "$(cd "$here/../../benchmarks" && ls ./*.py ./*.awk ./gpu.sh ./steps.sh ./README.md | sort)" \
    "$(cd "$1/benchmarks" && ls ./* | sort)"
  [[ ! -e $1/lib/libd2l_cuda_emulated.so ]] || die "the package has the emulated module"
}

# check_file FILE: checks a complete package.
check_file() {
  local folder module mib
  mib=$(($(stat -c %s "$1") / (1 << 20)))
  ((mib < MOST_MIB)) || die "the package has $mib MiB, expected less than $MOST_MIB"
  folder=$(mktemp -d)
  # shellcheck disable=SC2064  # this folder
  trap "rm -rf '$folder'" EXIT
  cmake -E chdir "$folder" cmake -E tar xf "$(realpath "$1")"
  folder=$(echo "$folder"/*)
  check_contents "$folder"
  module=$folder/lib/libd2l_cuda.so
  [[ -e $module && -e $folder/bin/bench-cudnn-fusions ]] || die "the package has no module for GPUs"
  if PATH+=:/usr/local/cuda/bin && command -v cuobjdump >/dev/null; then
    same "generations" sm_90 "$(cuobjdump --list-elf "$module" | grep -o 'sm_[0-9a-z]*' | sort -u)"
  fi
  echo "$1: $mib MiB"
}

# Installs the package from a build folder into $root/opt, with the emulated module.
install_parts() {
  local d2l=$root/opt/$NAME mib
  cmake --install "$build" --component gpu --strip --prefix "$d2l" >"$root/install.log" 2>&1 ||
    die "cmake --install: $(tail "$root/install.log")"
  rm -f "$d2l/bin/bench-cudnn-fusions" "$d2l/tests/bench-cudnn-fusions"  # needs NVIDIA's libraries
  check_contents "$d2l"
  rm -f "$d2l/lib/libd2l_cuda.so"
  mib=$(du -sm "$d2l" | cut -f 1)
  ((mib < MOST_UNPACKED_MIB)) || die "unpacked it has $mib MiB, expected less than $MOST_UNPACKED_MIB"
  strip -o "$d2l/lib/libd2l_cuda.so" "$build/lib/libd2l_cuda_emulated.so"
  patchelf --set-rpath "\$ORIGIN" "$d2l/lib/libd2l_cuda.so"
}

# This machine's Python, at its own path.
put_python() {
  local program library
  program=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))') || skip "no python3"
  library=$(python3 -c 'import os; print(os.path.dirname(os.__file__))')
  mkdir -p "$root${program%/*}" "$root$library"
  put_tools "$root" "$program"
  mv "$root/bin/${program##*/}" "$root$program"
  mount --bind "$library" "$root$library"
  printf '#!/bin/sh\nexec %s "$@"\n' "$program" >"$root/bin/python3"
  chmod +x "$root/bin/python3"
}

# 16 and 8 grey images of 28 x 28, in files like Fashion-MNIST's.
put_images() {
  local folder=$root/data/fashion-mnist part count
  mkdir -p "$folder"
  for part in train:16 t10k:8; do
    count=${part#*:}
    { printf '\0\0\10\3\0\0\0\'"$(printf %o "$count")"'\0\0\0\34\0\0\0\34' &&
      head -c $((count * 784)) /dev/zero | tr '\0' x; } >"$folder/${part%:*}-images-idx3-ubyte"
    { printf '\0\0\10\1\0\0\0\'"$(printf %o "$count")" &&
      head -c "$count" /dev/zero; } >"$folder/${part%:*}-labels-idx1-ubyte"
  done
}

# gpu CALL...: runs gpu.sh in the root folder.
gpu() {
  in_root "$root" /bin/env PATH=/stand_ins:/bin PYTHONPATH=/stand_ins PYTHONDONTWRITEBYTECODE=1 \
    REHEARSAL=/data MODULE="/opt/$NAME/lib/libd2l_cuda.so" OUT=/tmp/results GTEST_FILTER="$FILTER" \
    "/opt/$NAME/benchmarks/gpu.sh" "$@" >"$root/tmp/said" 2>&1 ||
    die "gpu.sh $*: exit code $?: $(cat "$root/tmp/said" "$root"/tmp/results/*-log.txt)"
  tail -n 20 "$root/tmp/said"
}

# One or two tests of each test program; ctest -L emulated runs all of them.
FILTER='Concat.*:MaskedSoftmax.W*:DotProductAttention.*:ClipTest.*:Blocks.BasicBlock:Feed.*'
FILTER+=':AveragePooling.*:*DeviceCommunicator.SumsOfOneRank*'
FILTER+=':OnGpu.StepsThroughTheHostAreNotRecorded:OnGpu.SharedGpus*'

names_in() { awk '{ print $1, $2 }' "$root/tmp/results/$1-results.txt"; }
passed() { printf '%s passed\n' "$@"; }

rehearse() {
  local tests
  build=$1 root=$2
  install_parts
  put_system "$root"
  check_libraries "$root" "/opt/$NAME"
  put_tools "$root" bash env timeout sleep cat head tail tr rm mkdir mktemp mv ls cut dirname \
    awk grep sed sort wc ldd
  put_python
  put_images
  cp -r "$here/stand_ins" "$root"

  gpu first
  tests=$(device_tests "$root/opt/$NAME" |
    sed 's/^/tests-/; s/.*cuda_kernels/&.0\n&.1/; s/.*cuda_programs/&.0\n&.1\n&.2\n&.3/')
  # shellcheck disable=SC2086  # words
  same "steps of first" "$(passed gpu libraries versions $tests train-graph train-no-graph \
    memcheck-BatchNorm memcheck-Recording memcheck-Pooling all | sort)" "$(names_in first | sort)"
  ! grep -E '^tests-[a-z_]+ .* 0 tests' "$root/tmp/results/first-results.txt" || die "a test program had no tests to run"

  sed '/^tests-tensor/ s/passed/FAILED(139)/; s/^memcheck-Pooling  *passed/memcheck-Pooling stopped/' \
    "$root/tmp/results/first-results.txt" >"$root/tmp/before.txt"
  gpu compare --after /tmp/before.txt
  same "steps of compare" "$(passed gpu libraries tests-tensor memcheck-Pooling | sort
    passed torch-resnet50 torch-lenet time-resnet50 time-lenet time-vit-tiny batch-norm cudnn-fusions \
      torch-resnet18 torch-vit-tiny ncu-batch-norm all)" \
    "$(names_in compare | head -n 4 | sort; names_in compare | tail -n +5)"
  same "sides" "d2l 2
PyTorch, channels_last-fused 1
PyTorch, compile-channels_last-fused 2
d2l 1
PyTorch, eager 1
PyTorch, compile-fused 1
d2l 1
PyTorch, compile-channels_last-fused 1
d2l 1
PyTorch, compile-fused 1" "$(awk -F' *[|] *' '$2 == "lenet" { print $6, $7 }' "$root/tmp/results/comparison.md")"
  (($(find "$root/tmp/results" -type f | wc -l) <= 8)) || die "more than 8 results: $(ls "$root/tmp/results")"
  echo "gpu.sh takes all its steps where only the package is unpacked"
}

case ${1:-} in
  --contents) check_file "$2" ;;
  --rehearse) in_new_root "$BASH" "$0" --inside "$(realpath "$2")" ;;
  --inside) rehearse "$2" "$3" ;;
  *) die "expected --contents FILE or --rehearse BUILD" ;;
esac
