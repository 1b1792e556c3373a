#!/bin/bash
# From a fresh clone to a trained network: installs, builds, trains. See --help.
set -euo pipefail

RANKS=2                              # MPI processes that train together
DATA=data/samples/fashion-mnist      # 10,000 + 2,000 images that come with the source
OUT=runs/quickstart                  # replaced by every quickstart
TRAIN=(--recipe lenet --epochs 40)   # an epoch of the sample is 40 steps, a sixth of the full set's

cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C.UTF-8
log=build/quickstart.log

usage() {
  cat <<'END'
quickstart.sh             installs the packages that are missing (packages.apt), builds the programs
                          into build/release/bin, and trains LeNet on a sample of Fashion-MNIST with
                          2 MPI ranks into runs/quickstart. Asks for nothing; a second run is quick.
quickstart.sh --packages  only installs the packages that are missing
quickstart.sh --packages --checks   the same, and those that only the style check needs
quickstart.sh --build     installs and builds, but does not train
END
}

say() { printf '%s\n' "$*"; }

die() {
  printf 'quickstart.sh: error: %s\n' "$*" >&2
  exit 1
}

# logged WHAT COMMAND...: runs it with its output in the log; after a failure, shows its end.
logged() {
  local what=$1
  shift
  printf '\n== %s: %s\n' "$what" "$*" >>"$log"
  if ! "$@" >>"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    die "$what failed; the lines above are the end of $PWD/$log"
  fi
}

# The names in packages.apt; those marked "check:" only on request.
listed_packages() {
  local name reason
  while read -r name reason; do
    [[ -z $name || $name == '#'* ]] && continue
    [[ $reason == '# check:'* && $1 != with-checks ]] && continue
    say "$name"
  done <packages.apt
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "This is not a Debian system: no packages are installed. d2l needs a C++20 compiler with" \
      "OpenMP, CMake 3.25, Ninja, oneDNN 2.6, Open MPI 4.1, HDF5 1.10 (C, serial)," \
      "Boost.Program_options 1.74, zlib, xxHash, and for the tests GoogleTest. Going on with what is here."
    return
  fi
  local missing=() name
  while read -r name; do
    is_installed "$name" || missing+=("$name")
  done < <(listed_packages "$1")
  if ((${#missing[@]} == 0)); then
    say "Packages: all there."
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}." \
      "There is no sudo here; let an administrator run: apt-get install ${missing[*]}"
    as_root=(sudo)
    sudo -v || die "sudo said no; let an administrator run: apt-get install ${missing[*]}"
  fi
  say "Packages: installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  logged "reading the package lists" "${apt[@]}" update -q
  logged "installing packages" "${apt[@]}" install -q -y --no-install-recommends "${missing[@]}"
}

build_programs() {
  say "Building into build/release/bin (a first build takes some minutes, a second one seconds)"
  logged "configuring" cmake --preset release
  logged "building" cmake --build --preset release --target launcher/all
}

train() {
  [[ -d $DATA ]] || die "the sample data is not there: $PWD/$DATA"
  rm -rf "$OUT"
  # Small machines and containers: root may run mpirun, ranks may outnumber cores, and memory is not
  # read across processes (many containers forbid it).
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_btl_vader_single_copy_mechanism=none
  local run=(mpirun -n "$RANKS" --bind-to none)
  (($(nproc) < RANKS)) && run+=(--oversubscribe)
  run+=(build/release/bin/d2l-train "${TRAIN[@]}" --data "$DATA" --out "$OUT")
  say "Training: ${run[*]}"
  say
  "${run[@]}" </dev/null || die "training failed with exit code $?; the lines above say why"
}

main() {
  local checks=no-checks last_step=train
  for option in "$@"; do
    case $option in
      --packages) last_step=packages ;;
      --checks) checks=with-checks ;;
      --build) last_step=build ;;
      -h | --help) usage && exit ;;
      *) usage >&2 && die "unknown option $option" ;;
    esac
  done
  mkdir -p build
  : >"$log"
  install_packages "$checks"
  [[ $last_step == packages ]] && return
  build_programs
  [[ $last_step == build ]] && return
  train
}

main "$@"
