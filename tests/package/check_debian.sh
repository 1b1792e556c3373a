#!/bin/bash
# Installs the packages for Debian in a new Debian 12 with apt, which brings what they depend on, and
# runs the programs and the program of docs/library.md there. Needs root and the network.
#     debootstrap --variant=minbase bookworm /tmp/root
#     tests/package/check_debian.sh /tmp/root build/release/*.deb
# Exit code: 0 passed, 1 failed, 77 this user may not change the root folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/package/root.sh
. "$here/root.sh"

# Without the limit of time of in_root.
apt() {
  echo "== apt-get $*"
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq "$@" \
    >"$root/tmp/log" 2>&1 || die "apt-get $*: $(tail "$root/tmp/log")"
}

check_programs() {
  local train=(d2l-train --model lenet --data synthetic --max-steps 3) program
  for program in train launch data ckpt predict report; do
    works "^d2l-$program [0-9]" "d2l-$program" --version
    [[ -e $root/usr/share/man/man1/d2l-$program.1 ]] || die "d2l-$program has no manual page"
  done
  works "checkpoint /tmp/a" "${train[@]}" --out /tmp/a
  works "2 ranks on 1 host" mpirun -n 2 --oversubscribe "${train[@]}" --out /tmp/b
  works "2 ranks on 1 host" d2l-launch --ranks 2 -- "${train[@]}" --out /tmp/c
  works "fashion-mnist, train" d2l-data info /usr/share/d2l/data/samples/fashion-mnist
  works lenet d2l-ckpt info /tmp/b
  works "accuracy" d2l-predict /tmp/a /usr/share/d2l/data/samples/fashion-mnist --out /tmp/p.csv
  works "1 run" d2l-report /tmp/a --out /tmp/report.html
}

check_library() {
  local name
  mkdir "$root/tmp/user"
  for name in CMakeLists.txt my_program.cpp; do
    block "$name" "$here/../../docs/library.md" >"$root/tmp/user/$name"
  done
  works "Generating done" cmake -S /tmp/user -B /tmp/user/build
  works "Built target my_program" cmake --build /tmp/user/build
  works "epoch 5 test accuracy 0" /tmp/user/build/my_program /usr/share/d2l/data/samples/fashion-mnist
}

check() {
  [[ ! -e $root/usr/bin/mpirun ]] || die "$root is not a new Debian: it has mpirun"
  mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || skip "no right to mount"
  cp /etc/resolv.conf "$root/etc"
  cp "$@" "$root/tmp"
  apt update
  apt install --no-install-recommends $(cd "$root" && printf '/%s\n' tmp/d2l_*.deb)
  check_programs
  apt install --no-install-recommends $(cd "$root" && printf '/%s\n' tmp/libd2l-dev_*.deb) cmake make
  check_library
  echo "the packages work in a new Debian"
}

if [[ $1 == --inside ]]; then
  root=$2
  check "${@:3}"
else
  [[ $# -ge 3 ]] || die "expected the root folder of a new Debian and two packages: $0 ROOT FILE FILE"
  ((EUID == 0)) || skip "only root can change the root folder"
  unshare --mount --propagation private --pid --fork --kill-child "$BASH" "$0" --inside "$(realpath "$1")" "${@:2}"
fi
