#!/bin/bash
# Runs programs of a package without anything installed: in a root folder with only the package,
# glibc, and this machine's sh for the package's mpirun.
#   tests/package/check_package.sh build/release/d2l-0.1.0-linux-x86_64.tar.xz
# Exit code: 0 passed, 1 failed, 77 this user may not create such a root folder.
set -euo pipefail
# shellcheck source=tests/package/root.sh
. "$(dirname "${BASH_SOURCE[0]}")/root.sh"

check() {
  local train=("$d2l/bin/d2l-train" --model lenet --data synthetic --max-steps 3)
  put_system "$root"
  check_libraries "$root" "$d2l"
  works tv-resnet50 "$d2l/bin/d2l-train" --list-models
  works "checkpoint /tmp/a" "${train[@]}" --out /tmp/a
  works "2 ranks on 1 host" "$d2l/bin/mpirun" -n 2 --oversubscribe "${train[@]}" --out /tmp/b
  works "2 ranks on 1 host" "$d2l/bin/d2l-launch" --ranks 2 -- "${train[@]}" --out /tmp/c
  works "fashion-mnist, train" "$d2l/bin/d2l-data" info "$d2l/share/d2l/data/samples/fashion-mnist"
  works lenet "$d2l/bin/d2l-ckpt" info /tmp/b/checkpoints/step-00000003.h5
  works "\[  PASSED  \]" "$d2l/tests/test_tensor" --gtest_brief=1
  works "\[  PASSED  \]" "$d2l/bin/mpirun" -n 2 --oversubscribe "$d2l/tests/test_comm" \
    --gtest_brief=1

  rm "$root$d2l/lib/libgomp.so.1"
  in_root "$root" "$d2l/bin/d2l-train" --list-models >"$root/tmp/log" 2>&1 &&
    die "this root folder has more than the package: d2l-train works without libgomp.so.1"
  grep -q libgomp.so.1 "$root/tmp/log" || die "$(cat "$root/tmp/log")"
  echo "the package works where nothing is installed"
}

[[ $# -ge 1 ]] || die "expected a package: $0 FILE"
if [[ $1 == --inside ]]; then
  root=$3
  mkdir "$root/opt"
  tar -C "$root/opt" -xf "$2"
  d2l=/opt/$(ls "$root/opt")
  check
else
  in_new_root "$BASH" "$0" --inside "$1"
fi
