# A nearly empty root folder for testing packages. To be sourced.
# shellcheck shell=bash

# In GoogleTest's format, for test.sh's list of reasons.
skip() {
  printf 'package: Skipped\n%s\n\n[  SKIPPED ] package\n' "$*"
  exit 77
}

die() {
  echo "error: $*" >&2
  exit 1
}

# block NAME PAGE: the file NAME that PAGE shows: the next indented lines after its name.
block() {
  awk -v name="\`$1\`:" '
    index($0, name) && !found { found = 1; next }
    found && /^    / { begun = 1 }
    begun && /^[^ ]/ { exit }
    begun { print substr($0, 5) }' "$2"
}

# in_new_root COMMAND...: runs it in separate namespaces, so that its mounts and processes end with
# it. COMMAND gets a new empty folder as its last argument.
in_new_root() {
  ((EUID == 0)) || skip "only root can change the root folder"
  local apart=(unshare --mount --propagation private --pid --fork --kill-child) root code=0
  "${apart[@]}" true 2>/dev/null || skip "no right to make namespaces"
  root=$(mktemp -d)
  "${apart[@]}" "$@" "$root" || code=$?
  rm -rf --one-file-system "$root"
  return "$code"
}

# put_system ROOT: copies the files that every machine has: glibc, and a shell that needs only glibc.
put_system() {
  local root=$1 libc name
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

# put_tools ROOT PROGRAM...: copies programs of this machine with the libraries they need.
put_tools() {
  local root=$1 name path library
  shift
  for name; do
    path=$(command -v "$name") || die "this machine has no $name"
    cp -L "$path" "$root/bin/${name##*/}"
    [[ $(head -c 4 "$path" | tr -d '\0') == $'\x7fELF' ]] || continue
    while read -r library; do
      [[ -e $root$library ]] && continue
      mkdir -p "$root${library%/*}"
      cp -L "$library" "$root$library"
    done < <(ldd "$path" | awk '$3 ~ /^\// { print $3 }')
  done
}

# in_root ROOT WORD...: runs a command in ROOT; as for env, WORDs may begin with variables.
in_root() {
  local root=$1
  shift
  env -i PATH=/usr/sbin:/usr/bin:/bin HOME=/tmp OMP_NUM_THREADS=1 \
    OMPI_MCA_btl_vader_single_copy_mechanism=none \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    timeout 120 chroot "$root" "$@"
}

# check_libraries ROOT FOLDER: checks that the libraries of the package in FOLDER find all they need:
# Open MPI does not report plugins that cannot be loaded. NVIDIA's libraries come from the machine.
check_libraries() {
  local file needs
  for file in "$1$2"/lib/*.so* "$1$2"/lib/*/*.so; do
    [[ $file == */libd2l_cuda.so ]] && continue
    needs=$(in_root "$1" /lib64/ld-linux-x86-64.so.2 --library-path "$2/lib" --list \
      "${file#"$1"}" 2>&1) || true
    # ICU's data are a library without code.
    [[ $needs == *"libc.so.6 => /"* && $needs != *"not found"* || $needs == *"statically linked"* ]] ||
      die "${file##*/} needs: $needs"
  done
}

# works TEXT WORD...: checks that a command in the folder $root succeeds and prints TEXT.
works() {
  local text=$1 output
  shift
  echo "== $*"
  # shellcheck disable=SC2154  # root: of whoever calls this
  output=$(in_root "$root" "$@" 2>&1) || die "exit code $?: $output"
  tail -n 4 <<<"$output"
  grep -q -- "$text" <<<"$output" || die "'$text' is not in its output: $output"
}
