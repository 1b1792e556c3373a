#include "framework/train/evaluate.h"

#include <array>
#include <deque>
#include <utility>

#include "framework/autograd/softmax.h"
#include "framework/backend/scratch.h"
#include "framework/tensor/reduce.h"

namespace d2l {

namespace {

// A batch whose work is queued, and where its sums will be: two per piece, of the losses and of the
// correct answers.
struct Flight {
  Flight(Batch data, int64_t count, MemoryPool& staging)
      : batch(std::move(data)), sums(staging, 2 * count), pieces(count) {}

  Batch batch;  // what the feed loads
  Scratch<float> sums;
  int64_t pieces;
  uint64_t mark = 0;  // behind which sums are there
};

class Evaluator {
 public:
  explicit Evaluator(const EvaluationParts& parts)
      : parts_(parts),
        feed_(parts.backend,
              {.activations = parts.activations, .normalisation = parts.normalisation}),
        ahead_(parts.backend.device().kind == DeviceKind::cpu ? 0 : 1) {}

  // Queues the work on a batch, and takes note of what is a batch behind on a GPU, which so is
  // never waited for with nothing left to do.
  void add(Batch batch) {
    const std::vector<Piece> pieces = cut(batch.labels.elements(), parts_.pieces);
    Flight& flight = flights_.emplace_back(std::move(batch), static_cast<int64_t>(pieces.size()),
                                           parts_.backend.staging());
    feed_.load(flight.batch);
    float* to = flight.sums.data();
    for (const Piece& piece : pieces) {
      const Variable inputs(feed_.inputs().rows(piece.begin, piece.end));
      const CrossEntropy found =
          cross_entropy(parts_.model(inputs, {}), feed_.labels().rows(piece.begin, piece.end));
      for (const Tensor& values : {found.losses.value(), found.correct}) {
        const Tensor total = sum(values);
        parts_.backend.copy_to_host(total.view(), to++);
      }
    }
    flight.mark = parts_.backend.mark();
    while (flights_.size() > ahead_) land();
  }

  // Of this rank's samples.
  std::array<double, 2> sums() {
    while (!flights_.empty()) land();
    return sums_;
  }

 private:
  void land() {
    const Flight& flight = flights_.front();
    parts_.backend.wait_for(flight.mark);
    for (int64_t i = 0; i < 2 * flight.pieces; ++i)
      sums_[static_cast<size_t>(i % 2)] += static_cast<double>(flight.sums.data()[i]);
    flights_.pop_front();
  }

  const EvaluationParts& parts_;
  Feed feed_;
  size_t ahead_;  // how many batches the host goes ahead of the device
  std::deque<Flight> flights_;
  std::array<double, 2> sums_{};
};

}  // namespace

Evaluation evaluate(const EvaluationParts& parts) {
  NoGrad no_grad;
  parts.data.seek(0, 0);
  Evaluator evaluator(parts);
  for (int64_t i = 0; i < parts.data.steps_per_epoch(); ++i) {
    Batch batch = parts.data.next();
    if (batch.labels.elements() > 0) evaluator.add(std::move(batch));
  }
  std::array<double, 2> sums = evaluator.sums();
  parts.comm.all_reduce({sums.data(), DType::f64, Shape{2}});
  const auto samples = static_cast<double>(parts.data.samples());
  return {.loss = sums[0] / samples, .accuracy = sums[1] / samples};
}

}  // namespace d2l
