// A job in which one rank fails in the way WHAT: comm-victim WHAT. Prints "pid N" on every rank.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/comm/gradient_reducer.h"
#include "framework/comm/mpi_session.h"

namespace d2l {

namespace {

// Endless steps; in step 20 the last rank does `what`.
void train(MpiSession& session, const std::string& what) {
  auto comm = session.communicator();
  constexpr int64_t kSlots = 8, kElements = 200'000;
  std::vector<float> gradients(kSlots * kElements, 1.0f);
  std::vector<GradientReducer::Slot> slots;
  for (int64_t i = 0; i < kSlots; ++i) slots.push_back({i * kElements, (i + 1) * kElements});
  GradientReducer reducer(*comm, {gradients.data(), DType::f32, {kSlots * kElements}}, slots);

  const bool mine = session.rank() == session.size() - 1;
  for (int step = 0;; ++step) {
    for (int slot = 0; slot < kSlots; ++slot) {
      if (step == 20 && mine && slot == kSlots / 2) {
        if (what == "kill") raise(SIGKILL);
        if (what == "terminate") std::terminate();
        if (what != "finish") fail("victim: wanted");
      }
      reducer.ready(slot);
    }
    reducer.finish();
    if (step == 20 && what == "finish") return;  // on every rank
  }
}

int run(int argc, char** argv, const std::string& what) {
  MpiSession session(&argc, &argv);
  std::printf("pid %d\n", getpid());
  std::fflush(stdout);
  if (what == "unwind") {
    train(session, what);
    return 0;
  }
  try {
    train(session, what);
  } catch (const Error& error) {
    std::fprintf(stderr, "rank %d: %s\n", session.rank(), error.what());
    if (what == "swallow") return 0;  // a mistake that the session must detect
    session.abort(9);
  }
  return 0;
}

}  // namespace

}  // namespace d2l

int main(int argc, char** argv) {
  try {
    return d2l::run(argc, argv, argc > 1 ? argv[1] : "finish");
  } catch (const d2l::Error& error) {
    std::fprintf(stderr, "comm-victim: error: %s\n", error.what());
    return 1;
  }
}
