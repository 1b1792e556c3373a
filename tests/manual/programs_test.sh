#!/bin/bash
# programs_test.sh BUILD VERSION: the manual pages and the completions of the real programs have every
# option of --help, readers of manual pages find no fault, and bash completes what one types.
set -euo pipefail
build=$(realpath "$1") version=$2
programs=(d2l-train d2l-launch d2l-data d2l-ckpt d2l-predict d2l-report)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "error: $*" >&2
  exit 1
}

# helps PROGRAM: what it prints for --help, with that of its commands.
helps() {
  local command
  "$build/bin/$1" --help
  [[ $1 == d2l-data ]] || return 0
  for command in fetch pack info stats show bench verify; do "$build/bin/$1" "$command" --help; done
}

check_options() {
  local page=$build/share/man/man1/$1.1 completion=$build/share/bash-completion/completions/$1 option
  local options
  options=$(helps "$1" | grep -oE '^  (-. \[ )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u)
  [[ $options == *--help* && $options == *--version* ]] || die "$1 --help: $options"
  for option in $options; do
    grep -qF -- "\\fB${option//-/\\-}\\fR" "$page" || die "$page has no $option"
    grep -qE -- "[ \"]$option[ \"]" "$completion" || die "$completion has no $option"
  done
  options=$(wc -w <<<"$options")
  ((count += options))
}

check_page() {
  local page=$build/share/man/man1/$1.1 said
  if command -v groff >/dev/null; then
    said=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
    [[ -z $said ]] || die "groff: $said"
  fi
  if command -v mandoc >/dev/null; then
    said=$(mandoc -T lint -W style "$page" 2>&1) || die "mandoc: $said"
  fi
}

# completes WORD...: what bash proposes for the last word; the first is the program.
completes() {
  COMP_LINE="$*" bash -c '
    . "$0/share/bash-completion/completions/$1"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "$(complete -p "$1" | sed "s/.*-F \([^ ]*\) .*/\1/")"
    printf "%s\n" "${COMPREPLY[@]}"' "$build" "$@" 2>/dev/null | sort | tr '\n' ' '
}

# expect PROPOSALS WORD...
expect() {
  local found
  found=$(completes "${@:2}")
  [[ $found == "$1 " ]] || die "${*:2}: expected '$1', found '$found'"
}

check_completions() {
  mkdir -p "$work/runs/a b" && touch "$work/runs.csv"
  cd "$work"
  expect "normal xavier" d2l-train --init ""
  expect "xavier" d2l-train --init = x
  expect "off on" d2l-train --lr 1 --tensorboard =
  expect "resnet18 resnet20" d2l-train --recipe resn
  expect "tv-resnet101 tv-resnet152 tv-resnet18 tv-resnet34 tv-resnet50" d2l-train --model tv-resn
  expect "mnist" d2l-train --data mn
  expect "runs" d2l-train --data ru
  expect "runs" d2l-train --out ru
  expect "runs runs.csv" d2l-train --config ru
  expect "" d2l-train --lr ""
  expect "--momentum" d2l-train --recipe lenet --mom
  expect "--ranks" d2l-launch --ra
  expect "runs.csv" d2l-launch --ranks 2 -- cat runs.
  expect "stats" d2l-data st
  expect "--help" d2l-data --h
  expect "cifar10 cifar100" d2l-data fetch ci
  expect "--standardize --store" d2l-data pack --st
  expect "test train" d2l-data pack --split ""
  expect "--decode" d2l-data verify --d
  expect "runs/a b" d2l-data info runs/
  expect "card convert" d2l-ckpt c
  expect "runs runs.csv" d2l-ckpt info r
  expect "runs runs.csv" d2l-predict r
  expect "--top" d2l-predict runs --to
  expect "runs runs.csv" d2l-report r
}

count=0
for program in "${programs[@]}"; do
  check_options "$program"
  check_page "$program"
  [[ $("$build/bin/$program" --version) == "$program $version" ]] ||
    die "$program --version: expected $version, found $("$build/bin/$program" --version)"
done
check_completions
echo "manual pages and completions of ${#programs[@]} programs have all $count options"
