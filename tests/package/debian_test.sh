#!/bin/bash
# debian_test.sh BUILD VERSION: makes the packages for Debian and looks into them. check_debian.sh installs them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/package/root.sh
. "$here/root.sh"
build=$(realpath "$1") version=$2
for tool in dpkg-deb dpkg-shlibdeps file readelf; do
  command -v "$tool" >/dev/null || skip "no $tool"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip \
  >"$work/log" 2>&1 || die "cpack: $(cat "$work/log")"

# unpack NAME: one package, into $work/NAME.
unpack() {
  local file=$work/$1_${version}_amd64.deb
  [[ -e $file ]] || die "no $1: $(ls "$work")"
  dpkg-deb -x "$file" "$work/$1"
  depends=$(dpkg-deb -f "$file" Depends)
}

unpack d2l
for needed in openmpi-bin libopenmpi3 libdnnl2 libhdf5-103-1 libhwloc15 libarchive13 libc6; do
  [[ ", $depends," =~ ,\ $needed[,\ ] ]] || die "d2l does not depend on $needed: $depends"
done
programs=$(ls "$work/d2l/usr/bin")
[[ ${programs//$'\n'/ } == "d2l-ckpt d2l-data d2l-launch d2l-predict d2l-report d2l-train" ]] ||
  die "programs: $programs"
for program in $programs; do
  readelf -d "$work/d2l/usr/bin/$program" | grep -E 'R(UN)?PATH' && die "$program looks for libraries there"
  "$work/d2l/usr/bin/$program" --version >/dev/null || die "$program does not run"
  [[ -e $work/d2l/usr/share/man/man1/$program.1 ]] || die "$program has no manual page"
  [[ -e $work/d2l/usr/share/bash-completion/completions/$program ]] || die "$program has no completion"
done
[[ -s $work/d2l/usr/share/doc/d2l/copyright ]] || die "d2l has no copyright"
[[ ! -e $work/d2l/usr/lib && ! -e $work/d2l/usr/include ]] || die "d2l has development files"

unpack libd2l-dev
[[ ", $depends," == *", libdnnl-dev,"* ]] || die "libd2l-dev does not depend on libdnnl-dev: $depends"
for file in include/d2l/d2l.h lib/libd2l_tensor.a lib/cmake/d2l/d2lConfig.cmake; do
  [[ -e $work/libd2l-dev/usr/$file ]] || die "libd2l-dev has no $file"
done
[[ ! -e $work/libd2l-dev/usr/bin ]] || die "libd2l-dev has programs"
echo "the packages for Debian are complete"
