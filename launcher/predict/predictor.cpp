#include "launcher/predict/predictor.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "data/loading/loader.h"
#include "framework/backend/scratch.h"
#include "framework/train/in_flight.h"
#include "launcher/predict/image_files.h"

namespace d2l::predict {
namespace {

// A batch whose work is queued, and memory for its scores.
struct ScoresInFlight {
  ScoresInFlight(Batch data, int64_t first_image, int64_t count, MemoryPool& staging)
      : batch(std::move(data)), first(first_image), scores(staging, count) {}

  Batch batch;
  int64_t first;          // number of its first image
  Scratch<float> scores;  // [n, classes]
  uint64_t event = 0;     // after which they are valid
};

class Predictor {
 public:
  Predictor(const PredictorParts& parts, int64_t top)
      : parts_(parts),
        feed_(parts.backend,
              {.activations = parts.activations, .normalisation = parts.normalisation}),
        in_flight_(parts.backend),
        found_(top) {}

  // Queues the work on a batch. On a GPU, only then waits for the previous one.
  void add(Batch batch, int64_t first) {
    const int64_t count = batch.size() * parts_.classes;
    ScoresInFlight& queued =
        in_flight_.add(std::move(batch), first, count, parts_.backend.staging());
    feed_.load(queued.batch);
    const Variable outputs = parts_.model(Variable(feed_.inputs()), {});
    const Tensor scores = outputs.value().cast(DType::f32);
    check(scores.elements() == count, "expected scores of the shape [", queued.batch.size(), ", ",
          parts_.classes, "], found ", scores.shape());
    parts_.backend.copy_to_host(scores.view(), queued.scores.data());
    queued.event = parts_.backend.record_event();
    while (in_flight_.is_full()) complete_oldest();
  }

  Predictions take() {
    while (!in_flight_.empty()) complete_oldest();
    return std::move(found_);
  }

 private:
  void complete_oldest() {
    in_flight_.await_oldest();
    const ScoresInFlight& done = in_flight_.oldest();
    std::vector<float> scores(static_cast<size_t>(parts_.classes));
    for (int64_t i = 0; i < done.batch.size(); ++i) {
      if (done.batch.samples.data<int64_t>()[i] == data::kMarked) continue;
      const float* row = done.scores.data() + i * parts_.classes;
      scores.assign(row, row + parts_.classes);
      const int64_t image = done.first + i;
      check(std::all_of(scores.begin(), scores.end(), [](float s) { return std::isfinite(s); }),
            parts_.images.name_of(image), ": the network's outputs are not finite");
      found_.add(image, label_of(done.batch.targets.data<int64_t>()[i]), scores);
    }
    in_flight_.drop_oldest();
  }
  int64_t label_of(int64_t target) const {
    const std::vector<int64_t>& labels = parts_.images.labels;
    return labels.empty() ? kNoLabel : labels[static_cast<size_t>(target)];
  }

  const PredictorParts& parts_;
  Feed feed_;
  InFlight<ScoresInFlight> in_flight_;
  Predictions found_;
};

}  // namespace

Share share_of(int64_t images, int64_t batch_size, int rank, int ranks) {
  const int64_t batches = (images + batch_size - 1) / batch_size;
  const auto begin_of = [&](int part) {
    return std::min(images, data::share_begin(batches, ranks, part) * batch_size);
  };
  return {begin_of(rank), begin_of(rank + 1)};
}

Predictions predict_share(const PredictorParts& parts, const Share& share, int64_t top) {
  if (share.begin == share.end) return Predictions(top);
  NoGrad no_grad;
  data::Loader loader(
      std::make_shared<SampleRange>(*parts.images.dataset, share.begin, share.end, parts.channels),
      parts.host,
      {.batch_size = parts.batch_size,
       .order = data::Order::sequential,
       .threads = parts.loader_threads,
       .pipeline = parts.steps,
       .on_bad_sample = data::OnBadSample::mark});
  Predictor predictor(parts, top);
  int64_t first = share.begin;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    Batch batch = loader.next();
    const int64_t next = first + batch.size();
    predictor.add(std::move(batch), first);
    first = next;
  }
  Predictions found = predictor.take();
  found.damaged = loader.take_replaced().problems;
  return found;
}

}  // namespace d2l::predict
