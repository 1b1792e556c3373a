#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

Floats expected_dropout(const DropoutParams& params, const Floats& x) {
  Floats y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const uint64_t index = static_cast<uint64_t>(params.first_element) + i;
    const bool keep = to_unit(random_word(params.key, index)) >= params.p;
    y[i] = keep ? x[i] * static_cast<float>(1 / (1 - params.p)) : 0.0f;
  }
  return y;
}

TEST(Dropout, IsTheDocumentedFunctionOfKeyAndPosition) {
  auto backend = make_cpu_backend(2);
  for (double p : {0.1, 0.3, 0.5, 0.9})
    for (int64_t first : {int64_t{0}, int64_t{1}, int64_t{6}, int64_t{255}, int64_t{4} << 32})
      for (int64_t size : {1, 3, 17, 256, 1001, 100003}) {
        const DropoutParams params{p, {11, 22}, first};
        Floats x = random_floats(size), y = poisoned(size);
        backend->dropout(params, in(x), out(y));
        ASSERT_TRUE(same_bits(y, expected_dropout(params, x))) << p << " " << first << " " << size;
      }
}

TEST(Dropout, ExtremeProbabilities) {
  auto backend = make_cpu_backend(1);
  Floats x = random_floats(1001), y = poisoned(1001);
  backend->dropout({0.0, {1, 2}, 0}, in(x), out(y));
  EXPECT_TRUE(same_bits(y, x));
  backend->dropout({1.0, {1, 2}, 0}, in(x), out(y));
  EXPECT_TRUE(near(y, Floats(1001, 0.0f)));
}

// p at, just below and just above the number drawn for an element: only "above" drops it.
TEST(Dropout, TheBoundaryIsExact) {
  auto backend = make_cpu_backend(1);
  const RngKey key{8, 9};
  const double drawn = to_unit(random_word(key, 5));
  for (double distance : {-0x1p-25, 0.0, 0x1p-25}) {
    Floats x(6, 1.0f), y = poisoned(6);
    backend->dropout({drawn + distance, key, 0}, in(x), out(y));
    EXPECT_EQ(y[5] == 0.0f, distance > 0) << distance;
  }
}

TEST(Dropout, KeepsTheExpectedShareAndTheMean) {
  auto backend = make_cpu_backend(1);
  const int64_t size = 1000000;
  Floats x(size, 1.0f), y = poisoned(size);
  backend->dropout({0.3, {5, 6}, 0}, in(x), out(y));
  double sum = 0, kept = 0;
  for (float value : y) {
    sum += value;
    kept += value != 0;
  }
  EXPECT_NEAR(kept / size, 0.7, 0.002);  // four standard deviations
  EXPECT_NEAR(sum / size, 1.0, 0.003);
}

// The two halves of a batch on two ranks see the mask of the whole batch.
TEST(Dropout, PartsOfABatchSeeOneMask) {
  auto backend = make_cpu_backend(1);
  Floats x = random_floats(999), whole = poisoned(999), parts = poisoned(999);
  backend->dropout({0.5, {3, 4}, 100}, in(x), out(whole));
  backend->dropout({0.5, {3, 4}, 100}, {x.data(), DType::f32, {333}},
                   {parts.data(), DType::f32, {333}});
  backend->dropout({0.5, {3, 4}, 433}, {x.data() + 333, DType::f32, {666}},
                   {parts.data() + 333, DType::f32, {666}});
  EXPECT_TRUE(same_bits(parts, whole));
}

TEST(Dropout, DropsNaNAndWorksInPlaceOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    Floats x = random_floats(100003), y = poisoned(100003);
    backend.dropout({0.5, {3, 4}, 2}, in(x), out(y));
    backend.dropout({0.5, {3, 4}, 2}, in(x), out(x));
    EXPECT_TRUE(same_bits(x, y));
    Floats nan = poisoned(1000);
    backend.dropout({1.0, {3, 4}, 0}, in(nan), out(nan));
    EXPECT_TRUE(near(nan, Floats(1000, 0.0f)));
    return x;
  });
}

}  // namespace
}  // namespace d2l::test
