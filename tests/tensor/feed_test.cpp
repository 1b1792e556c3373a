#include "framework/tensor/feed.h"

#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// `samples` images of 2 x 3 x 1; every byte differs from its neighbours.
Batch bytes(int64_t samples, int first = 0, Backend& host = cpu()) {
  std::vector<uint8_t> values(static_cast<size_t>(samples * 6));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<uint8_t>(static_cast<size_t>(first) + 7 * i);
  std::vector<int64_t> labels(static_cast<size_t>(samples));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = first + static_cast<int64_t>(i);
  return {.inputs = from_vector(host, {samples, 2, 3, 1}, values),
          .targets = from_vector(host, {samples}, labels),
          .global_size = samples};
}

std::vector<float> scaled(const Batch& batch) {
  std::vector<float> values = batch.inputs.to_vector<float>();
  for (float& value : values) value /= 255.0f;
  return values;
}

// The address of a tensor.
const void* place(const Tensor& tensor) { return tensor.view().data; }

bool is_cpu() { return device().device().kind == DeviceKind::cpu; }

TEST(Feed, MakesBytesToNumbers) {
  Feed feed(device());
  for (const auto& [samples, first] : {std::pair{50, 0}, {7, 100}, {0, 0}, {50, 30}}) {
    const Batch batch = bytes(samples, first);
    feed.load(batch);
    EXPECT_EQ(feed.samples(), samples);
    ASSERT_EQ(feed.inputs().shape(), (Shape{samples, 2, 3, 1}));
    EXPECT_EQ(feed.inputs().to_vector<float>(), scaled(batch));
    EXPECT_EQ(feed.targets().to_vector<int64_t>(), batch.targets.to_vector<int64_t>());
  }
}

TEST(Feed, RoundsOnceToSixteenBits) {
  Feed feed(device(), {.activations = DType::bf16});
  const Batch batch = bytes(43);  // all 256 values
  feed.load(batch);
  ASSERT_EQ(feed.inputs().dtype(), DType::bf16);
  const std::vector<float> found = feed.inputs().to_vector<float>(), exact = scaled(batch);
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(found[i], static_cast<float>(Bfloat16(exact[i]))) << i;
}

TEST(Feed, WhatItHoldsStaysAtItsAddresses) {
  Feed feed(device());
  const void *inputs = nullptr, *labels = nullptr;
  for (const int64_t samples : {8, 3, 8, 1, 0, 7, 9}) {
    const Batch batch = bytes(samples, 3);
    feed.load(batch);
    EXPECT_EQ(feed.inputs().to_vector<float>(), scaled(batch));
    if (inputs == nullptr) {
      inputs = place(feed.inputs());
      labels = place(feed.targets());
    }
    if (samples == 0 || samples > 8) continue;  // an empty tensor has no address
    EXPECT_EQ(place(feed.inputs()), inputs) << samples;
    if (!is_cpu()) {
      EXPECT_EQ(place(feed.targets()), labels) << samples;
    }
  }
}

TEST(Feed, MemoryIsMadeForTheLargestBatch) {
  Feed feed(device(), {.most_samples = 8});
  feed.load(bytes(3));
  const void* inputs = place(feed.inputs());
  for (const int64_t samples : {8, 5}) {
    const Batch batch = bytes(samples, 3);
    feed.load(batch);
    EXPECT_EQ(place(feed.inputs()), inputs) << samples;
    EXPECT_EQ(feed.inputs().to_vector<float>(), scaled(batch));
    EXPECT_EQ(feed.targets().to_vector<int64_t>(), batch.targets.to_vector<int64_t>());
  }
}

// Without waiting in between: an upload must not overwrite the previous batch while it is read.
TEST(Feed, LoadsFollowEachOther) {
  auto host = make_cpu_backend(1, &device().staging());
  Feed feed(device());
  std::vector<Batch> batches;
  std::vector<Tensor> found;
  for (int i = 0; i < 20; ++i) batches.push_back(bytes(i < 10 ? 20000 : 20001, i, *host));
  for (const Batch& batch : batches) {
    feed.load(batch);
    found.push_back(feed.inputs().clone());
  }
  for (size_t i = 0; i < batches.size(); ++i)
    ASSERT_EQ(found[i].to_vector<float>(), scaled(batches[i])) << "batch " << i;
  batches.clear();
}

TEST(Feed, NumbersStayWhatTheyAre) {
  Feed feed(device()), half(device(), {.activations = DType::bf16});
  for (uint64_t i = 0; i < 4; ++i) {
    const Tensor numbers = uniform(cpu(), {5, 4}, {.seed = 9, .stream = i});
    const Batch batch{.inputs = numbers, .targets = arange(cpu(), 5, DType::i64), .global_size = 5};
    feed.load(batch);
    EXPECT_EQ(feed.inputs().to_vector<float>(), numbers.to_vector<float>());
    half.load(batch);
    EXPECT_EQ(half.inputs().to_vector<float>(), numbers.cast(DType::bf16).to_vector<float>());
  }
}

// `batch` as samples with these numbers.
Batch numbered(Batch batch, const std::vector<int64_t>& samples, int64_t epoch = 0) {
  batch.samples = from_vector(cpu(), {static_cast<int64_t>(samples.size())}, samples);
  batch.epoch = epoch;
  return batch;
}

std::vector<float> prepared(const Batch& batch, const FeedOptions& options) {
  Feed feed(device(), options);
  feed.load(batch);
  return feed.inputs().to_vector<float>();
}

TEST(Feed, NormalisesEachChannel) {
  const Batch batch{.inputs = from_vector(cpu(), {1, 1, 2, 2}, std::vector<uint8_t>{0, 255, 51, 0}),
                    .targets = arange(cpu(), 1, DType::i64),
                    .global_size = 1};
  const FeedOptions options{.normalisation = {.mean = {0.5f, 0.25f}, .deviation = {0.5f, 0.25f}}};
  EXPECT_EQ(prepared(batch, options), (std::vector<float>{-1, 3, (0.2f - 0.5f) / 0.5f, -1}));
}

// Independent of the sample's position and batch, and of how often it is loaded.
TEST(Feed, AugmentsBySeedEpochAndSample) {
  const FeedOptions options{
      .augmentation = {.crop_padding = 1, .flip = 0.5, .contrast = 0.5, .erasing = 0.5}, .seed = 3};
  std::vector<int64_t> samples(40);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<int64_t>(7 * i);
  const Batch whole = numbered(bytes(40), samples);
  const std::vector<float> found = prepared(whole, options);
  EXPECT_NE(found, scaled(whole));
  EXPECT_EQ(prepared(whole, options), found);
  for (const Piece& piece : cut(40, 3)) {
    const Batch part{.inputs = whole.inputs.rows(piece.begin, piece.end),
                     .targets = whole.targets.rows(piece.begin, piece.end),
                     .global_size = 40,
                     .first_in_global = piece.begin,
                     .samples = whole.samples.rows(piece.begin, piece.end)};
    EXPECT_EQ(prepared(part, options),
              std::vector<float>(found.begin() + 6 * piece.begin, found.begin() + 6 * piece.end));
  }
  EXPECT_NE(prepared(numbered(bytes(40), samples, 1), options), found) << "another epoch";
  FeedOptions other = options;
  other.seed = 4;
  EXPECT_NE(prepared(whole, other), found) << "another seed";
}

// Three samples; the partner of the last one is a row of its own, which does not stay.
Batch with_pairs(Backend& host = cpu()) {
  Batch batch = bytes(4, 0, host);
  batch.targets = from_vector(host, {3}, std::vector<int64_t>{4, 5, 6});
  batch.pairs = {
      .numbers = from_vector(host, {3, 5},
                             std::vector<int64_t>{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 2, 3}),
      .weights = from_vector(host, {3}, std::vector<float>{0.75f, 0.75f, 1.0f / 3}),
      .targets = from_vector(host, {3}, std::vector<int64_t>{5, 4, 9})};
  return batch;
}

TEST(Feed, MixesPairs) {
  const FeedOptions options{.augmentation = {.mixup = 1}, .most_samples = 8};
  Feed feed(device(), options);
  const void *inputs = nullptr, *weights = nullptr;
  for (int i = 0; i < 3; ++i) {
    const Batch batch = with_pairs();
    feed.load(batch);
    const std::vector<float> before = scaled(batch);
    ASSERT_EQ(feed.inputs().shape(), (Shape{3, 2, 3, 1}));
    const std::vector<float> found = feed.inputs().to_vector<float>();
    for (size_t k = 0; k < 6; ++k) {
      EXPECT_FLOAT_EQ(found[k], 0.75f * before[k] + 0.25f * before[6 + k]);
      EXPECT_FLOAT_EQ(found[6 + k], 0.75f * before[6 + k] + 0.25f * before[k]);
      EXPECT_EQ(found[12 + k], before[(k % 3 == 0 ? 12 : 18) + k]);
    }
    EXPECT_EQ(feed.targets().to_vector<int64_t>(), (std::vector<int64_t>{4, 5, 6}));
    EXPECT_EQ(feed.partner_targets().to_vector<int64_t>(), (std::vector<int64_t>{5, 4, 9}));
    EXPECT_EQ(feed.weights().to_vector<float>(), batch.pairs.weights.to_vector<float>());
    if (i > 0) {
      EXPECT_EQ(place(feed.inputs()), inputs);
    }
    if (i > 0 && !is_cpu()) {
      EXPECT_EQ(place(feed.weights()), weights);
    }
    inputs = place(feed.inputs());
    weights = place(feed.weights());
  }
  EXPECT_EQ(message_of([&] { feed.load(bytes(2)); }),
            "feed: expected pairs of samples, found single ones");
  EXPECT_EQ(message_of([&] { prepared(with_pairs(), {}); }),
            "feed: expected single samples, found pairs");
}

TEST(Feed, SaysWhatDoesNotFit) {
  const FeedOptions flip{.augmentation = {.flip = 0.5}};
  const FeedOptions three{.normalisation = {{0, 0, 0}, {1, 1, 1}}};
  EXPECT_EQ(message_of([&] { prepared(bytes(2), flip); }),
            "feed: augmentation expects the samples' numbers, found none");
  EXPECT_EQ(message_of([&] { prepared(bytes(2), three); }),
            "feed: expected a mean for each of 1 channels, found 3");
  EXPECT_EQ(message_of([&] {
              prepared(numbered(bytes(2), {0, 1}), {.augmentation = {.saturation = 0.4}});
            }),
            "feed: saturation and hue expect images with 3 channels, found 1");
  Batch pairs = numbered(bytes(2), {0, 1});
  pairs.inputs = zeros(cpu(), {2, 4, 4, 2}, DType::u8);
  EXPECT_EQ(message_of([&] { prepared(pairs, {.augmentation = {.contrast = 0.4}}); }),
            "feed: contrast expects images with 1 or 3 channels, found 2");
  const Batch floats{.inputs = full(cpu(), {2, 4, 4, 1}, 1),
                     .targets = arange(cpu(), 2, DType::i64)};
  EXPECT_EQ(
      message_of([&] { prepared(floats, flip); }),
      "feed: only images of bytes are normalised and augmented, found inputs f32 [2, 4, 4, 1]");
  EXPECT_EQ(message_of([] {
              Feed(device(), {.normalisation = {{0}, {}}});
            }),
            "feed: expected as many means as deviations, found 1 and 0");
}

// Saves memory on a CPU; keeps addresses on a GPU.
TEST(Feed, CopiesOnACpuOnlyWhatItMust) {
  Feed feed(device());
  const void* first = nullptr;
  for (const double value : {1.0, 2.0}) {
    const Batch batch{.inputs = full(device(), {5, 4}, value),
                      .targets = arange(device(), 5, DType::i64),
                      .global_size = 5};
    feed.load(batch);
    EXPECT_EQ(place(feed.inputs()) == place(batch.inputs), is_cpu());
    EXPECT_EQ(place(feed.targets()) == place(batch.targets), is_cpu());
    EXPECT_EQ(feed.inputs().to_vector<float>(), std::vector<float>(20, static_cast<float>(value)));
    if (first != nullptr && !is_cpu()) {
      EXPECT_EQ(place(feed.inputs()), first);
    }
    first = place(feed.inputs());
  }
}

}  // namespace
}  // namespace d2l::test
