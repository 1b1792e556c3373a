#!/bin/bash
# Installs what is missing, builds everything and runs all tests. Arguments go to ctest:
#   ./test.sh                  all tests
#   ./test.sh -R autograd      those whose name matches
#   ./test.sh -L comm          those whose label matches
# Ends with the tests that were skipped and why, and CTest's own summary. Exit code: ctest's.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C.UTF-8
# As in quickstart.sh: MPI tests as root, on few cores, in containers.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1

./quickstart.sh --packages
cmake --preset release
cmake --build --preset release

output=build/release/ctest.log
status=0
ctest --preset release --parallel "$(nproc)" "$@" 2>&1 </dev/null | tee "$output" || status=$?

# GoogleTest prints the reason of a skipped case after "file:line: Skipped".
list_skipped() {
  awk '
    /^[0-9]+\/[0-9]+ Test: /  { name = $3; reason = ""; reading = 0 }
    / Skipped$/               { reading = 1; next }
    /^\[  SKIPPED \]/ && name { if (!told[name]++) print "  " name ": " (reason ? reason : "no reason given"); reading = 0 }
    reading && NF             { reason = reason (reason ? " " : "") $0 }
  ' build/release/Testing/Temporary/LastTest.log
}

echo
echo "Skipped tests:"
skipped=$(list_skipped)
echo "${skipped:-  none}"
echo
grep -E '^[0-9]+% tests passed' "$output" || {
  echo "CTest gave no summary: no test was run" >&2
  ((status != 0)) || status=1
}
exit "$status"
