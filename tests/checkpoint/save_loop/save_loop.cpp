#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "framework/base/error.h"
#include "framework/checkpoint/store.h"
#include "tests/checkpoint/save_loop/loop_state.h"

// Saves step after step into the folder argv[1] from step argv[2] on; every third is the best. Each
// step that is on disk is a line of 20 bytes on standard output: "saved 0000000000003". Without
// argv[3], runs until a save fails or it is killed. Otherwise tries all steps up to argv[3]; the
// exit code is that of the last one: 0 if it is on disk.

namespace {

bool save(d2l::CheckpointStore& store, int64_t step) {
  store.save(step, d2l::test::loop_state(step), step % 3 == 0);
  if (!store.wait()) return false;
  char line[32];
  const int length = std::snprintf(line, sizeof line, "saved %013ld\n", static_cast<long>(step));
  return write(STDOUT_FILENO, line, static_cast<size_t>(length)) == length;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  const bool is_bounded = argc == 4;
  const int64_t last = is_bounded ? std::atoll(argv[3]) : std::numeric_limits<int64_t>::max();
  const auto warn = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  try {
    d2l::CheckpointStore store(argv[1], {.keep = 2, .pauses = {0.001, 0.002}, .warn = warn});
    bool saved = true;
    for (int64_t step = std::atoll(argv[2]); step <= last && (saved || is_bounded); ++step)
      saved = save(store, step);
    return saved ? 0 : 1;
  } catch (const d2l::Error& error) {
    warn(error.what());
    return 1;
  }
}
