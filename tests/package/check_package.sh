#!/bin/bash
# Runs programs of a package where nothing is installed: in a root folder that has the package,
# glibc, and this machine's sh for the package's mpirun.
#   tests/package/check_package.sh build/release/d2l-0.1.0-linux-x86_64.tar.xz
# Exit code: 0 they work, 1 they do not, 77 this user may not make such a root folder.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}

die() {
  echo "error: $*" >&2
  exit 1
}

# The files that every machine has: glibc's, and a shell that needs no others.
put_system() {
  local libc name
  libc=$(ldd /bin/sh | awk '/libc\.so\.6/ { print $3 }')
  mkdir -p "$root"/{bin,dev,proc,tmp,lib64} "$root${libc%/*}"
  chmod 1777 "$root/tmp"
  cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64"
  for name in libc.so.6 libm.so.6 libmvec.so.1 libpthread.so.0 libdl.so.2 librt.so.1 \
      libresolv.so.2 libutil.so.1; do
    cp -L "${libc%/*}/$name" "$root${libc%/*}"
  done
  cp -L /bin/sh "$root/bin/sh"
  mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || skip "no right to mount"
}

in_root() {
  env -i PATH=/usr/sbin:/usr/bin:/bin HOME=/tmp OMP_NUM_THREADS=1 \
    OMPI_MCA_btl_vader_single_copy_mechanism=none \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    timeout 120 chroot "$root" "$@"
}

# works TEXT PROGRAM...: it succeeds and says TEXT.
works() {
  local text=$1 output
  shift
  echo "== $*"
  output=$(in_root "$@" 2>&1) || die "exit code $?: $output"
  tail -n 4 <<<"$output"
  grep -q -- "$text" <<<"$output" || die "'$text' is not in its output: $output"
}

# Open MPI is silent about plugins that cannot be loaded. NVIDIA's libraries are the machine's.
check_libraries() {
  local file needs
  for file in "$root$d2l"/lib/*.so* "$root$d2l"/lib/*/*.so; do
    [[ $file == */libd2l_cuda.so ]] && continue
    needs=$(in_root /lib64/ld-linux-x86-64.so.2 --library-path "$d2l/lib" --list \
      "${file#"$root"}" 2>&1) || true
    [[ $needs == *"libc.so.6 => /"* && $needs != *"not found"* ]] ||
      die "${file##*/} needs: $needs"
  done
}

check() {
  local train=("$d2l/bin/d2l-train" --model lenet --data synthetic --max-steps 3)
  put_system
  check_libraries
  works tv-resnet50 "$d2l/bin/d2l-train" --list-models
  works "checkpoint /tmp/a" "${train[@]}" --out /tmp/a
  works "2 ranks on 1 host" "$d2l/bin/mpirun" -n 2 --oversubscribe "${train[@]}" --out /tmp/b
  works lenet "$d2l/bin/d2l-ckpt" info /tmp/b/checkpoints/step-00000003.h5
  works "\[  PASSED  \]" "$d2l/tests/test_tensor" --gtest_brief=1
  works "\[  PASSED  \]" "$d2l/bin/mpirun" -n 2 --oversubscribe "$d2l/tests/test_comm" \
    --gtest_brief=1

  rm "$root$d2l/lib/libgomp.so.1"
  in_root "$d2l/bin/d2l-train" --list-models >"$root/tmp/log" 2>&1 &&
    die "this root folder has more than the package: d2l-train works without libgomp.so.1"
  grep -q libgomp.so.1 "$root/tmp/log" || die "$(cat "$root/tmp/log")"
  echo "the package works where nothing is installed"
}

[[ $# -ge 1 ]] || die "expected a package: $0 FILE"
if [[ $1 == --inside ]]; then
  root=$2
  d2l=/opt/$(ls "$root/opt")
  check
else
  ((EUID == 0)) || skip "only root can change the root folder"
  apart=(unshare --mount --propagation private --pid --fork --kill-child)
  "${apart[@]}" true 2>/dev/null || skip "no right to make namespaces"
  root=$(mktemp -d)
  trap 'rm -rf --one-file-system "$root"' EXIT
  mkdir "$root/opt"
  tar -C "$root/opt" -xf "$1"
  "${apart[@]}" "$BASH" "$0" --inside "$root"
fi
