#include "launcher/predict/predictor.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "data/loading/loader.h"
#include "data/subset.h"
#include "framework/backend/scratch.h"
#include "framework/train/in_flight.h"

namespace d2l::predict {
namespace {

using Visitor = std::function<void(const Output&)>;

// A batch whose work is queued, and memory for its outputs.
struct OutputsInFlight {
  OutputsInFlight(Batch data, int64_t first_sample, int64_t count, MemoryPool& staging)
      : batch(std::move(data)), first(first_sample), values(staging, count) {}

  Batch batch;
  int64_t first;          // number of its first sample
  Scratch<float> values;  // [n, outputs]
  uint64_t event = 0;     // after which they are valid
};

class Predictor {
 public:
  Predictor(const PredictorParts& parts, const Visitor& visitor)
      : parts_(parts),
        visitor_(visitor),
        feed_(parts.backend,
              {.activations = parts.activations,
               .targets = parts.samples.info().has_labels() ? DType::i64 : DType::f32,
               .normalisation = parts.normalisation}),
        in_flight_(parts.backend) {}

  // Queues the work on a batch. On a GPU, only then waits for the previous one.
  void add(Batch batch, int64_t first) {
    const int64_t count = batch.size() * parts_.outputs;
    OutputsInFlight& queued =
        in_flight_.add(std::move(batch), first, count, parts_.backend.staging());
    feed_.load(queued.batch);
    const Tensor outputs = parts_.model(Variable(feed_.inputs()), {}).value().cast(DType::f32);
    check(outputs.elements() == count, "expected outputs of the shape [", queued.batch.size(), ", ",
          parts_.outputs, "], found ", outputs.shape());
    parts_.backend.copy_to_host(outputs.view(), queued.values.data());
    queued.event = parts_.backend.record_event();
    while (in_flight_.is_full()) complete_oldest();
  }

  void finish() {
    while (!in_flight_.empty()) complete_oldest();
  }

 private:
  void complete_oldest() {
    in_flight_.await_oldest();
    const OutputsInFlight& done = in_flight_.oldest();
    const bool labelled = parts_.samples.info().has_labels();
    for (int64_t i = 0; i < done.batch.size(); ++i) {
      if (done.batch.samples.data<int64_t>()[i] == data::kMarked) continue;
      Output output{
          .sample = done.first + i,
          .values = {done.values.data() + i * parts_.outputs, static_cast<size_t>(parts_.outputs)}};
      if (labelled)
        output.label = done.batch.targets.data<int64_t>()[i];
      else
        output.target = done.batch.targets.data<float>()[i];
      check(std::all_of(output.values.begin(), output.values.end(),
                        [](float value) { return std::isfinite(value); }),
            parts_.samples.place_of(output.sample), ": the network's outputs are not finite");
      visitor_(output);
    }
    in_flight_.drop_oldest();
  }

  const PredictorParts& parts_;
  const Visitor& visitor_;
  Feed feed_;
  InFlight<OutputsInFlight> in_flight_;
};

}  // namespace

Share share_of(int64_t samples, int64_t batch_size, int rank, int ranks) {
  const int64_t batches = (samples + batch_size - 1) / batch_size;
  const auto begin_of = [&](int part) {
    return std::min(samples, share_begin(batches, ranks, part) * batch_size);
  };
  return {begin_of(rank), begin_of(rank + 1)};
}

std::vector<std::string> predict_share(const PredictorParts& parts, const Share& share,
                                       const Visitor& visitor) {
  if (share.begin == share.end) return {};
  NoGrad no_grad;
  data::Loader loader(
      std::make_shared<data::Subset>(
          std::shared_ptr<const data::Dataset>(std::shared_ptr<void>(), &parts.samples),
          std::vector<data::SampleRange>{{share.begin, share.end}},
          data::SubsetOptions{.channels = parts.channels}),
      parts.host,
      {.batch_size = parts.batch_size,
       .order = data::Order::sequential,
       .threads = parts.loader_threads,
       .pipeline = parts.steps,
       .on_bad_sample = data::OnBadSample::mark});
  Predictor predictor(parts, visitor);
  int64_t first = share.begin;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    Batch batch = loader.next();
    const int64_t next = first + batch.size();
    predictor.add(std::move(batch), first);
    first = next;
  }
  predictor.finish();
  return loader.take_replaced().problems;
}

}  // namespace d2l::predict
