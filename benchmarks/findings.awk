# Summarises a step's log in a few words: for tests, d2l-train, the sanitizer, compare_torch.py and
# the kernel benchmarks; "found: ..." for anything else.

function say(what) { text = text (text == "" ? "" : "; ") what }
function trimmed(word) { gsub(/^ +| +$/, "", word); return word }

# GoogleTest's
/^\[ RUN      \] / { unfinished = substr($0, 14) }
/^\[ +(OK|FAILED|SKIPPED) +\] / { unfinished = "" }
/^\[  PASSED  \] [0-9]/ { split($0, words, " "); say(words[4] " tests") }
/^\[  SKIPPED \] [0-9]/ { split($0, words, " "); say(words[4] " skipped") }
/^\[  FAILED  \] [A-Za-z_0-9\/]+\.[A-Za-z_0-9\/]+/ {
  split($0, words, /[ ,]+/)
  if (!(words[4] in failed)) failures = failures " " words[4]
  failed[words[4]]
}

/^found: / { say(substr($0, 8)) }
/ERROR SUMMARY: / { sub(/.*ERROR SUMMARY: /, ""); say($0) }

# d2l-train's log and --time
/ step [0-9]+: loss / { last_step = $0; sub(/.* step /, "step ", last_step); sub(/, waited .*/, "", last_step) }
/^all of these / { count = split($0, words, " "); say(words[count - 1] " % of possible") }
/ examples\/s with data; / { sub(/.* steps?, /, ""); sub(/ with data; .*/, ""); say($0) }

# Rows of the table against PyTorch: side, examples/s, d2l / side
/^\| / {
  split($0, cells, "|")
  if (cells[2] !~ /^ (model|---)/) {
    gsub(/ /, "", cells[8])
    gsub(/ /, "", cells[10])
    say(trimmed(cells[6]) " " cells[8] "/s" (cells[10] == "" ? "" : ", d2l " cells[10]))
  }
}

/^batch norm and ReLU / {
  rate = $NF
  if (least == "" || rate < least) least = rate
  if (rate > most) most = rate
}
/^(input gradient, added|convolution with sums) / { say($1 " " $4 " x " $6 ": " $(NF - 3) " -> " $(NF - 2) " ms") }

END {
  if (last_step != "") say(last_step)
  if (most > 0) say(least " to " most " GB/s")
  if (failures != "") say("failed:" failures)
  if (unfinished != "") say("not ended: " unfinished)
  print text
}
