#include "launcher/plan_network.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "framework/base/timer.h"
#include "framework/tensor/create.h"

namespace d2l::launcher {
namespace {

constexpr int64_t kSmallElements = 16, kLargeElements = 2 << 20;  // f32: 64 bytes and 8 MiB
constexpr int64_t kMostLarge = 32;  // all-reduces of 8 MiB under way at once

// Other programs only ever make a time longer.
double lower_quartile(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 4, values.end());
  return values[values.size() / 4];
}

// The number of rank 0, so that all ranks repeat something equally often.
int64_t agreed(Communicator& comm, int64_t number) {
  comm.broadcast({&number, DType::i64, Shape{1}}, 0);
  return number;
}

double average(Communicator& comm, double mine) {
  comm.all_reduce({&mine, DType::f64, Shape{1}});
  return mine / comm.size();
}

class NetworkMeasuring {
 public:
  NetworkMeasuring(Communicator& comm, Backend& backend) : comm_(comm), backend_(backend) {}

  // The time of an all-reduce.
  MeasuredReduce reduce(int64_t elements) {
    constexpr double kSeconds = 0.4;
    constexpr int64_t kFewest = 3, kMost = 100;
    Tensor values = zeros(backend_, Shape{elements});
    once(values);
    const double first = once(values);
    const auto enough = static_cast<int64_t>(kSeconds / std::max(first, 1e-6));
    const int64_t count = agreed(comm_, std::clamp(enough, kFewest, kMost));
    std::vector<double> seconds;
    for (int64_t i = 0; i < count; ++i) seconds.push_back(once(values));
    return {.bytes = static_cast<int64_t>(values.bytes()),
            .seconds = average(comm_, lower_quartile(seconds))};
  }

  // How a step and transfers, each of which takes `transfer` seconds alone, slow each other down.
  void measure_both(double transfer, double alone, const std::function<void()>& step,
                    MeasuredNetwork& found) {
    constexpr int kRepeats = 5;
    constexpr double kLonger = 1.3;  // than the step
    constexpr double kLeast = 0.05;
    const auto wanted = static_cast<int64_t>(std::ceil(kLonger * alone / transfer));
    const int64_t count = agreed(comm_, std::clamp<int64_t>(wanted, 1, kMostLarge));
    const double transfers = static_cast<double>(count) * transfer;
    Tensor values = zeros(backend_, Shape{count, kLargeElements});
    std::vector<double> speeds, bandwidths;
    for (int i = 0; i < kRepeats; ++i) {
      comm_.barrier();
      std::vector<Communicator::Work> started;
      const Timer timer;
      for (int64_t k = 0; k < count; ++k)
        started.push_back(comm_.start_all_reduce(values[k].view()));
      step();
      const double seconds = timer.seconds();
      for (const Communicator::Work work : started) comm_.wait(work);
      const double after = timer.seconds() - seconds;
      const double together = std::min(seconds, transfers);
      speeds.push_back((alone - (seconds - together)) / together);
      // Without transfers after the step, it is not known how long they took.
      bandwidths.push_back(after > transfer ? (transfers - after) / seconds : 1);
    }
    const auto shared = [&](std::vector<double>& of_repeats) {
      std::sort(of_repeats.begin(), of_repeats.end());
      return std::clamp(average(comm_, of_repeats[kRepeats / 2]), kLeast, 1.0);
    };
    found.speed_in_transfer = shared(speeds);
    found.bandwidth_in_compute = shared(bandwidths);
  }

 private:
  double once(Tensor& values) {
    const Timer timer;
    comm_.all_reduce(values.view());
    backend_.synchronize();
    return timer.seconds();
  }

  Communicator& comm_;
  Backend& backend_;
};

}  // namespace

MeasuredNetwork measure_network(Communicator& comm, Backend& backend, Carrier carrier,
                                double step_seconds, const std::function<void()>& step) {
  NetworkMeasuring measuring(comm, backend);
  comm.barrier();
  const MeasuredReduce small = measuring.reduce(kSmallElements);
  const MeasuredReduce large = measuring.reduce(kLargeElements);
  MeasuredNetwork found{.network = fitted_network(small, large, comm.size(), carrier)};
  if (backend.device().kind == DeviceKind::cpu)
    measuring.measure_both(large.seconds, step_seconds, step, found);
  return found;
}

}  // namespace d2l::launcher
