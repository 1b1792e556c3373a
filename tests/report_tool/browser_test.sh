#!/bin/bash
# browser_test.sh D2L_REPORT [FOLDER]: makes pages of runs and opens them in a headless Chromium, 1280
# and 400 pixels wide. Checks that they draw all curves, that switches and pointing work, that nothing
# is wider than the window, and that the console stays empty. Screenshots go to FOLDER, if it is given.
set -euo pipefail

report=$1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [[ -z $browser ]]; then
  echo "skipped: there is no Chromium here (Debian package chromium)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_run NAME LR EVERY: a run of 40 evaluations and a training line every EVERY steps, resumed after
# step 600.
make_run() {
  mkdir -p "$work/$1"
  printf 'model = lenet\nlr = %s\nepochs = 40\n' "$2" >"$work/$1/config.ini"
  awk -v lr="$2" -v every="$3" 'BEGIN {
    print "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_accuracy,run"
    for (step = 1; step <= 8000; ++step) {
      loss = 0.4 + 2 * exp(-step * lr / 2500)
      if (step % every == 0) printf "%d,0,%d,%g,%g,20000,0.01,0.1,,,id\n", step, step * 256, loss + step % 7, lr
      if (step % 200 == 0) printf "%d,0,%d,,,,,,%g,%g,id\n", step, step * 256, loss, 1 - loss / 3
    }
  }' >"$work/$1/metrics.csv"
  local job='lenet, 61,706 parameters; synthetic, 9 samples, no test data; 1 rank; 1 thread (a); CPU'
  printf '2026-11-29 10:00:00 %s\n' "$job" 'step 600: loss 1' 'warning: <slow>' "$job" \
    'continuing after step 600 from x' 'run folder x, checkpoint y' >"$work/$1/log.txt"
}

# What a user does; then the page says in its title what came of it.
cat >"$work/user.js" <<'JS'
const svg = document.querySelector('.plot svg'), box = svg.getBoundingClientRect();
const lines = () => document.querySelectorAll('.plot path.line').length;
const bands = document.querySelectorAll('.plot path.faint').length;
const before = lines();
svg.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + box.width / 2, clientY: box.top + 60}));
const tip = document.querySelector('.tip').textContent;
const first = document.querySelector('[data-run]');
if (first) first.click();
const without = lines();
for (const axis of ['samples', 'seconds']) {
  const select = document.getElementById('axis');
  select.value = axis;
  select.dispatchEvent(new Event('input'));
}
const names = [...document.querySelectorAll('.tick')].map((tick) => tick.textContent);
document.querySelectorAll('figcaption button').forEach((button) => button.click());
document.querySelector('.plot svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}));
document.title = ['curves ' + before, 'bands ' + bands, 'without ' + without, 'tip ' + tip.startsWith('step '),
  'time ' + names.some((name) => name.endsWith(' s')), 'log ' + lines(),
  'key ' + !document.querySelector('.tip').hidden,
  'wide ' + (document.documentElement.scrollWidth > window.innerWidth)].join(', ');
JS

failed=0
# check PAGE WIDTH TITLE: the title that the user's actions must lead to.
check() {
  local page=$work/$1 width=$2 expected=$3 found
  {
    sed 's|</body>||; s|</html>||' "$page"
    printf '<script>\n%s\n</script></body></html>\n' "$(cat "$work/user.js")"
  } >"$work/used.html"
  local options=(--headless --no-sandbox --disable-gpu --hide-scrollbars --enable-logging=stderr --v=0
    "--user-data-dir=$work/profile" "--window-size=$width,2000")
  timeout 50 "$browser" "${options[@]}" --dump-dom "file://$work/used.html" \
    >"$work/dom.html" 2>"$work/console.txt" || failed=1
  found=$(grep -o '<title>[^<]*' "$work/dom.html" | head -n 1)
  if [[ $found != "<title>$expected" ]]; then
    echo "$1, $width pixels: expected '$expected', found '$found'"
    failed=1
  fi
  if grep CONSOLE "$work/console.txt"; then failed=1; fi
  if [[ -n ${folder:-} ]]; then
    timeout 50 "$browser" "${options[@]}" "--screenshot=$folder/$1-$width.png" "file://$page" 2>"$work/shot.txt"
  fi
}

folder=${2:-}
make_run 'a <b> & "c"' 0.5 250
make_run b 1 250
make_run long 1 2
"$report" "$work/b" --out "$work/one.html"
"$report" "$work/long" --out "$work/long.html"
"$report" "$work/a <b> & \"c\"" "$work/b" --out "$work/two.html"
for width in 1280 400; do
  # loss has two curves; accuracy, learning rate, rate and the two waits one each
  check one.html "$width" 'curves 7, bands 0, without 7, tip true, time true, log 7, key true, wide false'
  check long.html "$width" 'curves 7, bands 5, without 7, tip true, time true, log 7, key true, wide false'
  check two.html "$width" 'curves 14, bands 0, without 7, tip true, time true, log 7, key true, wide false'
done
exit "$failed"
