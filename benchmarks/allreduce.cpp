// The cost of a reduction, alone and beside a training step that needs the cores:
//   mpirun -n 2 --bind-to none bench-allreduce
#include <algorithm>
#include <cstdio>
#include <limits>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/comm/mpi_session.h"

namespace d2l {

namespace {

View view_of(std::vector<float>& values, int64_t begin, int64_t count) {
  return {values.data() + begin, DType::f32, {count}};
}

template <class Action>
double best_seconds(Communicator& comm, int rounds, int repeats, Action&& action) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < rounds; ++round) {
    comm.barrier();
    Timer timer;
    for (int i = 0; i < repeats; ++i) action();
    best = std::min(best, timer.seconds() / repeats);
  }
  return best;
}

void print_sizes(Communicator& comm) {
  const std::vector<int64_t> sizes = {4, 40'000, 250'000, 1 << 20, 4 << 20, 100'000'000};
  std::vector<float> values(static_cast<size_t>(sizes.back() / 4), 0.0f);
  for (int64_t bytes : sizes) {
    const int repeats = bytes <= 40'000 ? 500 : bytes <= 4 << 20 ? 50 : 2;
    const View data = view_of(values, 0, bytes / 4);
    const double seconds = best_seconds(comm, 5, repeats, [&] { comm.all_reduce(data); });
    if (comm.rank() == 0)
      std::printf("%12s bytes  %10s us  %6s GB/s\n", with_thousands(bytes).c_str(),
                  fixed(seconds * 1e6, 1).c_str(),
                  fixed(static_cast<double>(bytes) / seconds * 1e-9, 2).c_str());
  }
}

// A fixed amount of arithmetic: `rounds` times about a microsecond.
[[gnu::noipa]] float compute(std::vector<float>& values, int rounds) {
  for (int round = 0; round < rounds; ++round)
    for (float& value : values) value = value * 0.999f + 0.001f;
  return values[0];
}

// Seconds per repetition: wall-clock time, and processor time of all threads.
struct Cost {
  double wall = 0, processor = 0;
};

template <class Action>
Cost cost_of(Communicator& comm, int repeats, Action&& action) {
  comm.barrier();
  Timer timer;
  const std::clock_t begin = std::clock();
  for (int i = 0; i < repeats; ++i) action();
  return {timer.seconds() / repeats,
          static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / repeats};
}

// Other work on the machine only adds time, so the minimum is the program's own cost.
double least(const std::vector<Cost>& costs, double Cost::*which) {
  double least = std::numeric_limits<double>::max();
  for (const Cost& cost : costs) least = std::min(least, cost.*which);
  return least;
}

void print_step(Communicator& comm, double step_seconds, int64_t gradient_bytes) {
  std::vector<float> work(4096, 1.0f), gradient(static_cast<size_t>(gradient_bytes / 4), 0.0f);
  std::vector<double> metrics(2, 0.0);
  float sink = 0;
  double unit = best_seconds(comm, 50, 1, [&] { sink += compute(work, 1000); }) / 1000;
  comm.broadcast({&unit, DType::f64, {1}}, 0);  // the same work on every rank
  const int half = static_cast<int>(step_seconds / 2 / unit);

  const int steps = std::max(2, static_cast<int>(0.05 / step_seconds));
  std::vector<Cost> alone, together;
  for (int round = 0; round < 50; ++round) {
    alone.push_back(cost_of(comm, steps, [&] {
      sink += compute(work, half);
      sink += compute(work, half);
    }));
    together.push_back(cost_of(comm, steps, [&] {
      sink += compute(work, half);
      auto gradients = comm.start_all_reduce(view_of(gradient, 0, gradient_bytes / 4));
      sink += compute(work, half);
      auto counts = comm.start_all_reduce({metrics.data(), DType::f64, {2}});
      comm.wait(gradients);
      comm.wait(counts);
    }));
  }
  if (comm.rank() != 0) return;
  const double wall = least(alone, &Cost::wall);
  const double more_wall = least(together, &Cost::wall) - wall;
  const double more_processor = least(together, &Cost::processor) - least(alone, &Cost::processor);
  std::printf("step of %s us beside %s bytes: %s us longer (%s %%), %s us of processor time%s\n",
              fixed(wall * 1e6, 0).c_str(), with_thousands(gradient_bytes).c_str(),
              fixed(more_wall * 1e6, 1).c_str(), fixed(more_wall / wall * 100, 2).c_str(),
              fixed(more_processor * 1e6, 1).c_str(), sink == 12345.0f ? " " : "");
}

}  // namespace

}  // namespace d2l

int main(int argc, char** argv) {
  d2l::Timer timer;
  d2l::MpiSession session(&argc, &argv);
  const double start = timer.seconds();
  try {
    auto comm = session.communicator();
    if (session.rank() == 0)
      std::printf("%s; MPI started in %s ms\n", comm->describe().c_str(),
                  d2l::fixed(start * 1e3, 1).c_str());
    d2l::print_sizes(*comm);
    d2l::print_step(*comm, 2e-3, 250'000);
    d2l::print_step(*comm, 20e-3, 4 << 20);
  } catch (const d2l::Error& error) {
    std::fprintf(stderr, "bench-allreduce: error: %s\n", error.what());
    session.abort(1);
  }
  return 0;
}
