# Steps of gpu.sh: any number at once, each with its own limit and log, each a row of the results when
# it ends. To be sourced. Takes from its caller: BUDGET, the seconds that all may take; STEPS, a pattern
# for those to be done; `results` and `log`, the files of rows and of all logs; `logs`, a folder for
# those of running steps; `here`, this file's; summary(), what is said in the end.
# shellcheck shell=bash disable=SC2154

# By process: the step's name, when it began, how long it may take.
declare -A running=() begun=() limits=()
only=''  # names of the steps to be done, all when empty
status=0 last='' has_begun=''

# row NAME RESULT SECONDS FOUND
row() {
  local line
  printf -v line '%-26s %-12s %4s s  %s' "$@"
  printf '%s\n' "$line" >>"$results"
  printf '%s\n' "$line"
  [[ $2 == passed ]] || status=1
}

findings() { awk -f "$here/findings.awk" "$1"; }

is_wanted() {
  # shellcheck disable=SC2053  # a pattern
  [[ $1 == $STEPS && (-z $only || $'\n'$only$'\n' == *$'\n'$1$'\n'*) ]]
}

# begin NAME SECONDS COMMAND...: starts a step, which `last` names then; SECONDS are the most that it
# may take.
begin() {
  local name=$1 limit=$2 left=$((BUDGET - SECONDS - 5))  # 5: to end what does not want to end
  last=
  shift 2
  is_wanted "$name" || return
  has_begun=yes
  if ((left < 1)); then
    row "$name" left-out 0 "the $BUDGET s are over"
    return
  fi
  ((limit = limit < left ? limit : left))
  timeout --kill-after 4 "$limit" "$@" >"$logs/$name" 2>&1 </dev/null &
  last=$!
  running[$last]=$name begun[$last]=$SECONDS limits[$last]=$limit
}

# put_away PROCESS: its log goes behind the others'.
put_away() {
  local name=${running[$1]}
  { printf '\n==== %s\n' "$name" && tail -c 2000000 "$logs/$name"; } >>"$log"
  rm -f "$logs/$name"
  unset "running[$1]"
}

# ended PROCESS CODE
ended() {
  local name=${running[$1]} seconds=$((SECONDS - begun[$1])) result="FAILED($2)" found
  found=$(findings "$logs/$name")
  case $2 in
    0) result=passed ;;
    77) result=skipped ;;
  esac
  if ((($2 == 124 || $2 == 137) && seconds >= limits[$1])); then
    found="did not end within ${limits[$1]} s${found:+; $found}"
  fi
  [[ $result != FAILED* || -n $found ]] || found=$(tail -n 1 "$logs/$name" | cut -c 1-200)
  row "$name" "$result" "$seconds" "$found"
  [[ $result == passed ]] || tail -n 12 "$logs/$name"
  put_away "$1"
}

# Rows of the steps that have ended. Not by `wait -n`: that forgets one of two that end at once.
reap() {
  local process
  for process in "${!running[@]}"; do
    kill -0 "$process" 2>/dev/null && continue
    wait "$process"
    ended "$process" $?
  done
}

# await PROCESS: others that end meanwhile get their rows too.
await() {
  while [[ -n ${running[$1]:-} ]]; do
    sleep 0.1
    reap
  done
}

# await_all [SECONDS]: or until so many seconds of the whole are over.
await_all() {
  while ((${#running[@]} && SECONDS < ${1:-BUDGET + 60})); do
    sleep 0.1
    reap
  done
}

# one begin...: a step alone.
one() {
  "$@"
  [[ -z $last ]] || await "$last"
}

summary() {
  printf '\n'
  [[ ! -s $OUT/comparison.md ]] || cat "$OUT/comparison.md"
  printf '\n'
  cat "$results"
}

# A signal: first what is known is said, in case there is no time for more.
stopped() {
  trap '' TERM INT HUP
  local name process processes=("${!running[@]}")
  for process in "${processes[@]}"; do
    name=${running[$process]}
    row "$name" stopped $((SECONDS - begun[$process])) "$(findings "$logs/$name")"
    put_away "$process"
  done
  summary
  ((${#processes[@]} == 0)) || kill -TERM "${processes[@]}" 2>/dev/null
  for _ in {1..20}; do
    kill -0 "${processes[@]}" 2>/dev/null || break
    sleep 0.1
  done
  for process in "${processes[@]}"; do kill -KILL -- "-$process" 2>/dev/null; done
  exit 143
}
