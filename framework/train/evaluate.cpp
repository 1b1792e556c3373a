#include "framework/train/evaluate.h"

#include <utility>

#include "framework/backend/scratch.h"
#include "framework/tensor/reduce.h"
#include "framework/train/in_flight.h"

namespace d2l {

namespace {

// A batch whose work is queued, and memory for its sums: for each piece the loss, then the metrics.
struct BatchInFlight {
  BatchInFlight(Batch data, size_t numbers, MemoryPool& staging)
      : batch(std::move(data)), sums(staging, static_cast<int64_t>(numbers)), count(numbers) {}

  Batch batch;
  Scratch<float> sums;
  size_t count;
  uint64_t event = 0;  // after which the sums are valid
};

class Evaluator {
 public:
  explicit Evaluator(const EvaluationParts& parts)
      : parts_(parts),
        feed_(parts.backend, {.activations = parts.activations,
                              .targets = parts.objective.target_type(),
                              .normalisation = parts.normalisation}),
        in_flight_(parts.backend),
        numbers_(1 + parts.objective.metrics().size()),
        rows_(static_cast<size_t>(parts.slices > 0 ? parts.slices / parts.comm.size() : 1)),
        sums_(rows_ * numbers_, 0.0) {}

  // Queues the work on a batch and, on a GPU, only then waits for the previous batch, so that the
  // GPU is never idle.
  void add(Batch batch) {
    const std::vector<Piece> pieces =
        parts_.slices > 0 ? slices_of(batch, parts_.slices, parts_.comm.rank(), parts_.comm.size())
                          : cut(batch.size(), parts_.pieces);
    BatchInFlight& queued =
        in_flight_.add(std::move(batch), numbers_ * pieces.size(), parts_.backend.staging());
    feed_.load(queued.batch);
    float* to = queued.sums.data();
    for (const Piece& piece : pieces) {
      const Variable inputs(feed_.inputs().rows(piece.begin, piece.end));
      const Objective::Result found =
          parts_.objective(parts_.model(inputs, {}), feed_.targets().rows(piece.begin, piece.end),
                           Objective::Phase::evaluation);
      copy_sum(found.losses.value(), to++);
      for (const Tensor& values : found.numbers) copy_sum(values, to++);
    }
    queued.event = parts_.backend.record_event();
    while (in_flight_.is_full()) complete_oldest();
  }

  // Over this rank's samples: the loss, then the metrics' numbers.
  std::vector<double> sums() {
    while (!in_flight_.empty()) complete_oldest();
    // Slices are added as one tree, which the sum over ranks continues.
    for (size_t step = 1; step < rows_; step *= 2)
      for (size_t row = 0; row < rows_; row += 2 * step)
        for (size_t i = 0; i < numbers_; ++i)
          sums_[row * numbers_ + i] += sums_[(row + step) * numbers_ + i];
    sums_.resize(numbers_);
    return sums_;
  }

 private:
  void copy_sum(const Tensor& values, float* to) {
    const Tensor total = sum(values);
    parts_.backend.copy_to_host(total.view(), to);
  }
  void complete_oldest() {
    in_flight_.await_oldest();
    const BatchInFlight& batch = in_flight_.oldest();
    for (size_t i = 0; i < batch.count; ++i)
      sums_[i % sums_.size()] += static_cast<double>(batch.sums.data()[i]);
    in_flight_.drop_oldest();
  }

  const EvaluationParts& parts_;
  Feed feed_;
  InFlight<BatchInFlight> in_flight_;
  size_t numbers_, rows_;     // of sums_: for each slice of a batch a row, or only one
  std::vector<double> sums_;  // over the batches
};

}  // namespace

Evaluation evaluate(const EvaluationParts& parts) {
  NoGrad no_grad;
  parts.data.seek(0, 0);
  Evaluator evaluator(parts);
  for (int64_t i = 0; i < parts.data.steps_per_epoch(); ++i) {
    Batch batch = parts.data.next();
    if (batch.size() > 0) evaluator.add(std::move(batch));
  }
  std::vector<double> sums = evaluator.sums();
  parts.comm.all_reduce({sums.data(), DType::f64, Shape{static_cast<int64_t>(sums.size())}});
  const auto samples = static_cast<double>(parts.data.samples());
  Evaluation evaluation{.loss = sums[0] / samples, .metrics = {}};
  const std::vector<Metric>& metrics = parts.objective.metrics();
  for (size_t i = 0; i < metrics.size(); ++i)
    evaluation.metrics.push_back(metrics[i].of_average(sums[i + 1] / samples));
  return evaluation;
}

}  // namespace d2l
