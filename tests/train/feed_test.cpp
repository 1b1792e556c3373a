#include "framework/train/feed.h"

#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// `samples` images of 2 x 3 x 1, every byte another one than its neighbours'.
Batch bytes(int64_t samples, int first = 0, Backend& host = cpu()) {
  std::vector<uint8_t> values(static_cast<size_t>(samples * 6));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<uint8_t>(static_cast<size_t>(first) + 7 * i);
  std::vector<int64_t> labels(static_cast<size_t>(samples));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = first + static_cast<int64_t>(i);
  return {.inputs = from_vector(host, {samples, 2, 3, 1}, values),
          .labels = from_vector(host, {samples}, labels),
          .global_size = samples};
}

std::vector<float> scaled(const Batch& batch) {
  std::vector<float> values = batch.inputs.to_vector<float>();
  for (float& value : values) value /= 255.0f;
  return values;
}

// Where a tensor lies.
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
    EXPECT_EQ(feed.labels().to_vector<int64_t>(), batch.labels.to_vector<int64_t>());
  }
}

TEST(Feed, RoundsOnceToSixteenBits) {
  Feed feed(device(), DType::bf16);
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
      labels = place(feed.labels());
    }
    if (samples == 0 || samples > 8) continue;  // nothing has no address
    EXPECT_EQ(place(feed.inputs()), inputs) << samples;
    if (!is_cpu()) {
      EXPECT_EQ(place(feed.labels()), labels) << samples;
    }
  }
}

// Nothing waits between them: a batch must not arrive where the one before it is still read.
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
  Feed feed(device()), half(device(), DType::bf16);
  for (uint64_t i = 0; i < 4; ++i) {
    const Tensor numbers = uniform(cpu(), {5, 4}, {.seed = 9, .stream = i});
    const Batch batch{.inputs = numbers, .labels = arange(cpu(), 5, DType::i64), .global_size = 5};
    feed.load(batch);
    EXPECT_EQ(feed.inputs().to_vector<float>(), numbers.to_vector<float>());
    half.load(batch);
    EXPECT_EQ(half.inputs().to_vector<float>(), numbers.cast(DType::bf16).to_vector<float>());
  }
}

// A CPU's memory is spared; a GPU's addresses stay.
TEST(Feed, CopiesOnACpuOnlyWhatItMust) {
  Feed feed(device());
  const void* first = nullptr;
  for (const double value : {1.0, 2.0}) {
    const Batch batch{.inputs = full(device(), {5, 4}, value),
                      .labels = arange(device(), 5, DType::i64),
                      .global_size = 5};
    feed.load(batch);
    EXPECT_EQ(place(feed.inputs()) == place(batch.inputs), is_cpu());
    EXPECT_EQ(place(feed.labels()) == place(batch.labels), is_cpu());
    EXPECT_EQ(feed.inputs().to_vector<float>(), std::vector<float>(20, static_cast<float>(value)));
    if (first != nullptr && !is_cpu()) {
      EXPECT_EQ(place(feed.inputs()), first);
    }
    first = place(feed.inputs());
  }
}

}  // namespace
}  // namespace d2l::test
