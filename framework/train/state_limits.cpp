#include "framework/train/state_limits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "framework/base/error.h"
#include "framework/train/loss_scale.h"

namespace d2l {
namespace {

// More than any run needs; products with the number of samples still fit into 64 bits.
constexpr int64_t kMostSteps = int64_t{1} << 50, kMostEpochs = 1'000'000'000;

class StateLimits {
 public:
  StateLimits(const Snapshot& snapshot, const std::string& origin)
      : snapshot_(snapshot), origin_(origin) {}

  // 0 if there is none.
  int64_t integer(const std::string& name) const {
    const auto found = snapshot_.integers.find(name);
    return found == snapshot_.integers.end() ? 0 : found->second;
  }
  double real(const std::string& name) const {
    const auto found = snapshot_.reals.find(name);
    return found == snapshot_.reals.end() ? 0 : found->second;
  }
  void integer_within(const std::string& name, int64_t least, int64_t most) const {
    const auto found = snapshot_.integers.find(name);
    if (found == snapshot_.integers.end()) return;
    check(found->second >= least && found->second <= most, origin_, ": ", name,
          ": expected a number from ", least, " to ", most, ", found ", found->second);
  }
  void real_within(const std::string& name, double least, double most) const {
    const auto found = snapshot_.reals.find(name);
    if (found == snapshot_.reals.end()) return;
    check(found->second >= least && found->second <= most, origin_, ": ", name,
          ": expected a number from ", least, " to ", most, ", found ", found->second);
  }
  void all_finite() const {
    const std::string name = first_not_finite(snapshot_);
    if (name.empty()) return;
    check(!snapshot_.reals.contains(name), origin_, ": ", name, ": expected a number, found ",
          real(name));
    fail(origin_, ": ", name, ": expected numbers, found elements that are not finite");
  }
  // Checks f32 arrays whose names begin with `begin` and end with `end`.
  void not_negative(const std::string& begin, const std::string& end) const {
    for (const auto& [name, array] : snapshot_.arrays) {
      if (!name.starts_with(begin) || !name.ends_with(end) || array.dtype != DType::f32) continue;
      std::vector<float> values(array.bytes.size() / sizeof(float));
      std::memcpy(values.data(), array.bytes.data(), values.size() * sizeof(float));
      const auto least = std::min_element(values.begin(), values.end());
      check(least == values.end() || *least >= 0, origin_, ": ", name,
            ": expected no negative elements, found ", least == values.end() ? 0 : *least);
    }
  }

 private:
  const Snapshot& snapshot_;
  const std::string& origin_;
};

// Each epoch has at least one step. Within an epoch, each past and each remaining step has at least
// one sample. After the last step of an epoch, the evaluation may be still to come.
void check_progress(const StateLimits& limits, const std::string& origin, const BatchSource& data) {
  limits.integer_within("progress/step", 0, kMostSteps);
  const int64_t step = limits.integer("progress/step");
  limits.integer_within("progress/step_in_epoch", 0, step);
  const int64_t in_epoch = limits.integer("progress/step_in_epoch");
  limits.integer_within("progress/epoch", step > in_epoch ? 1 : 0,
                        std::min(step - in_epoch, kMostEpochs));
  const int64_t to_come = data.steps_per_epoch() - in_epoch;
  check(to_come >= 0, origin, ": saved after step ", in_epoch,
        " of an epoch, but epochs have only ", data.steps_per_epoch(),
        " steps: the data or --batch-size have changed");
  limits.integer_within("progress/epoch_samples", in_epoch,
                        in_epoch == 0 ? 0 : data.samples() - to_come);
  limits.integer_within("progress/evaluated_step", -1, step);
}

void check_metrics(const StateLimits& limits, const Position& of) {
  const auto samples = static_cast<double>(limits.integer("progress/epoch_samples"));
  limits.real_within("progress/test_loss", 0, std::numeric_limits<double>::infinity());
  const auto limit = [](double most, double count) { return count > 0 ? most * count : 0; };
  for (const Position::Known& known : of.metrics) {
    const Metric& metric = known.metric;
    limits.real_within("progress/epoch_" + metric.sum, 0, limit(metric.most, samples));
    limits.real_within("progress/train_" + metric.name, 0, metric.most);
    limits.real_within("progress/test_" + metric.name, 0, metric.most);
  }
  const Metric& deciding = of.best.metric;
  const std::string best = "progress/best_" + deciding.name;
  const int64_t evaluated = limits.integer("progress/evaluated_step");
  limits.integer_within("progress/best_step", -1, evaluated);
  limits.integer_within("progress/evaluations_since_best", 0, std::max<int64_t>(evaluated, 0));
  if (evaluated < 0) return limits.real_within(best, -1, -1);
  const double last = limits.real("progress/test_" + deciding.name);
  if (deciding.larger_is_better) return limits.real_within(best, last, deciding.most);
  limits.real_within(best, 0, last);
}

}  // namespace

void check_state_limits(const Snapshot& snapshot, const std::string& origin,
                        const BatchSource& data, const Position& of) {
  const StateLimits limits(snapshot, origin);
  limits.all_finite();
  check_progress(limits, origin, data);
  check_metrics(limits, of);
  // Steps that overflowed in f16 are not optimizer steps.
  const int64_t step = limits.integer("progress/step");
  limits.integer_within("optimizer/steps", 0, step);
  const int64_t optimizer_steps = limits.integer("optimizer/steps");
  for (const auto& [name, missed] : snapshot.integers)
    if (name.starts_with("optimizer/missed_steps/"))
      limits.integer_within(name, 0, optimizer_steps);
  limits.not_negative("optimizer/square/", "");
  limits.not_negative("buffers/", "running_var");
  limits.not_negative("ema/buffers/", "running_var");
  limits.real_within("loss_scale/scale", LossScale::kLeast, LossScale::kMost);
  limits.integer_within("loss_scale/good_steps", 0, step);
  limits.integer_within("loss_scale/skipped_steps", 0, step);
}

}  // namespace d2l
