#!/bin/bash
# Installs the development files, moves them, and uses nothing else of d2l. Two of the examples are
# built: one prints what it prints in the build tree, the other writes and reads files. Then the
# program in docs/library.md is built and trains.
#   development_test.sh BUILD PROGRAM      PROGRAM: data_manipulation in the build tree
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/package/root.sh
. "$here/root.sh"
build=$(realpath "$1") program=$(realpath "$2") source=$(realpath "$here/../..")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# quietly WORD...: prints the output only if the command fails.
quietly() { "$@" >"$work/log" 2>&1 || die "$*: $(cat "$work/log")"; }

# names_no_folder FOLDER...: no text in FOLDERs names this machine's source or build tree.
names_no_folder() {
  local found
  found=$(grep -rIF -e "$source" -e "$build" -e "$work" "$@") && die "a path of this machine: $found"
  return 0
}

quietly cmake --install "$build" --component development --prefix "$work/here"
names_no_folder "$work/here"
mv "$work/here" "$work/there"
[[ ! -e $work/there/bin ]] || die "programs are among the development files: $(ls "$work/there/bin")"

quietly cmake -S "$work/there/share/d2l/examples" -B "$work/b" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$work/there"
quietly cmake --build "$work/b" --target example-ch02-data_manipulation example-ch05-saving
found=$(ninja -C "$work/b" -t deps | grep -F -e "$source/" -e "$build/") &&
  die "the examples were compiled with headers of the source tree: $found"
same=$(diff <("$program") <("$work/b/ch02/data_manipulation")) ||
  die "build tree (<) and installed d2l (>): $same"
quietly "$work/b/ch05/saving" "$work/files"
[[ -s $work/files/mlp.safetensors ]] || die "saving wrote no network: $(cat "$work/log")"
mkdir "$work/user"
for name in CMakeLists.txt my_program.cpp; do block "$name" "$source/docs/library.md" >"$work/user/$name"; done
quietly cmake -S "$work/user" -B "$work/user/b" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$work/there"
quietly cmake --build "$work/user/b"
cd "$work"
quietly "$work/user/b/my_program" "$source/data/samples/fashion-mnist"
grep -q "^epoch 5 test accuracy 0\.[89]" "$work/log" || die "docs/library.md: $(cat "$work/log")"
echo "an installed d2l is all that programs need"
