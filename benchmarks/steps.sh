# Runs steps of gpu.sh: any number at once, each with its own limit and log; each adds a row to the
# results when it ends. To be sourced. The caller sets: BUDGET, the seconds for all steps together;
# STEPS, a pattern of the steps to run; `results` and `log`, the files for rows and for all logs;
# `logs`, a folder for logs of running steps; `here`, this file's folder. Provides summary(), the
# final output. shellcheck shell=bash disable=SC2154

# By process: the step's name, its start and its limit.
declare -A running=() begun=() limits=()
only=''  # names of the steps to run; all if empty
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

# begin NAME SECONDS COMMAND...: starts a step with a limit of SECONDS and sets `last` to its
# process.
begin() {
  local name=$1 limit=$2 left=$((BUDGET - SECONDS - 5))  # 5: to kill steps that do not end
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

# put_away PROCESS: appends its log to the others.
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

# Adds the rows of the steps that have ended. Not with `wait -n`, which loses one of two that end at
# once.
reap() {
  local process
  for process in "${!running[@]}"; do
    kill -0 "$process" 2>/dev/null && continue
    wait "$process"
    ended "$process" $?
  done
}

# await PROCESS: waits for it; others that end meanwhile get their rows too.
await() {
  while [[ -n ${running[$1]:-} ]]; do
    sleep 0.1
    reap
  done
}

# await_all [SECONDS]: waits for all steps, at most until SECONDS since the start.
await_all() {
  while ((${#running[@]} && SECONDS < ${1:-BUDGET + 60})); do
    sleep 0.1
    reap
  done
}

# one begin...: runs a step alone.
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

# On a signal: first reports the known results, in case there is no time for more.
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
