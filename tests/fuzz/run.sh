#!/bin/bash
# Runs the fuzz targets under the address and undefined-behaviour sanitizers:
#     tests/fuzz/run.sh [-runs=N | -max_total_time=SECONDS] [TARGET...]
# The default is 10 seconds for each of all targets. Fails if an input crashes a parser, takes more
# than 2 seconds, or makes it allocate too much. Such an input is kept in build/fuzz/findings. Needs
# clang++.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
limit=-max_total_time=10
if [[ ${1-} == -* ]]; then
  limit=$1
  shift
fi
targets=("$@")
if ((${#targets[@]} == 0)); then
  targets=(archive boxes cifar coco csv idx image keras list npy run safetensors shard steps table torch view voc)
fi

export CXX=clang++
cmake -S tests/fuzz -B build/fuzz -G Ninja >/dev/null
cmake --build build/fuzz

# MiB in one allocation. The decoders of images may use 40 bytes per pixel, and the targets accept
# up to 2^20 pixels; the other parsers need little more than their input has.
declare -A most_memory=([image]=512 [view]=512 [archive]=256)
failed=()
for target in "${targets[@]}"; do
  printf '\n=== %s\n' "$target"
  mkdir -p "build/fuzz/corpus/$target" build/fuzz/findings
  "build/fuzz/fuzz_$target" "$limit" -timeout=2 -rss_limit_mb=2048 -verbosity=0 -print_funcs=0 \
    -malloc_limit_mb="${most_memory[$target]-64}" -artifact_prefix="build/fuzz/findings/$target-" \
    "build/fuzz/corpus/$target" "tests/fuzz/seeds/$target" || failed+=("$target")
done
if ((${#failed[@]})); then
  printf '\nFAILED: %s\n' "${failed[*]}"
  exit 1
fi
