#include "launcher/data_tool/augmented.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "data/loading/piece_reader.h"
#include "data/loading/sample_pairs.h"
#include "framework/backend/backend.h"
#include "framework/base/error.h"
#include "framework/base/rng.h"
#include "framework/tensor/create.h"

namespace d2l::data_tool {

using namespace d2l::data;

namespace {

// The keys of data::Loader and Feed for epoch 0.
RngKey key_of(uint64_t seed, std::string_view purpose) {
  return {seed, mix(stream_of(purpose), 0)};
}

// How mixup and cutmix mix a batch that consists of these samples.
SamplePairs pairs_of(Backend& cpu, const Pipeline& pipeline, const Shape& shape,
                     const std::vector<int64_t>& samples, uint64_t seed) {
  if (!pipeline.on_device().mixes_samples()) return {};
  const int64_t count = shape[0];
  const Tensor labels = zeros(cpu, {count}, DType::i64);
  Batch batch{.inputs = Tensor(cpu, shape, DType::u8),
              .targets = labels,
              .samples = from_vector(cpu, {count}, samples),
              .pairs = make_sample_pairs(cpu, count)};
  draw_pairs(pipeline.on_device(), key_of(seed, "pairs"),
             PartnerRows({.end = count, .global_size = count}), labels, batch);
  return batch.pairs;
}

// The steps of the device.
std::vector<float> prepared(const Pipeline& pipeline, const Shape& shape,
                            const std::vector<uint8_t>& bytes, const std::vector<int64_t>& samples,
                            uint64_t seed) {
  const std::unique_ptr<Backend> cpu = make_cpu_backend(1);
  const SamplePairs pairs = pairs_of(*cpu, pipeline, shape, samples, seed);
  std::vector<float> values(bytes.size());
  cpu->prepare_images(
      {.augmentation = pipeline.on_device(), .key = key_of(seed, "augment")},
      {.x = {bytes.data(), DType::u8, shape},
       .samples = {samples.data(), DType::i64, Shape{static_cast<int64_t>(samples.size())}},
       .mean = {},
       .deviation = {},
       .pairs = pairs.defined() ? pairs.numbers.view() : ConstView{},
       .weights = pairs.defined() ? pairs.weights.view() : ConstView{}},
      {values.data(), DType::f32, shape});
  return values;
}

}  // namespace

Pipeline parse_augment(const std::string& steps) {
  try {
    return Pipeline::parse(steps);
  } catch (const Error& error) {
    throw UsageError(concat("--augment: ", error.what()));
  }
}

AugmentedImages augment(const Dataset& dataset, const Pipeline& pipeline,
                        std::vector<int64_t> samples, uint64_t seed) {
  const Shape one = pipeline.result_shape(dataset.shape());
  check(one[0] > 0, "expected steps that give all images the same size, found '", pipeline.text(),
        "'");
  check(!pipeline.on_device().needs_colour() || one[2] == 3, "expected images of 3 channels for '",
        pipeline.text(), "', found ", one[2]);
  AugmentedImages result;
  result.labels.resize(samples.size());
  const auto count = static_cast<int64_t>(samples.size());
  const Shape shape{count, one[0], one[1], one[2]};
  std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()));
  PieceReader reader(dataset, pipeline, OnBadSample::fail);
  reader.read({.samples = samples,
               .labels = result.labels,
               .targets = {},
               .inputs = bytes.data(),
               .key = key_of(seed, "views")});
  const std::vector<float> values = prepared(pipeline, shape, bytes, samples, seed);
  const auto elements = static_cast<size_t>(one.elements());
  for (size_t i = 0; i < samples.size(); ++i) {
    Image image{one, std::vector<uint8_t>(elements)};
    for (size_t j = 0; j < elements; ++j)
      image.pixels[j] =
          static_cast<uint8_t>(std::lround(255 * std::clamp(values[i * elements + j], 0.0f, 1.0f)));
    result.images.push_back(std::move(image));
  }
  return result;
}

}  // namespace d2l::data_tool
