#include <numeric>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

// All comparisons are exact: masks are functions of integers, values are one product.

struct PlainDropout {
  void dropout(const DropoutParams& params, const ConstView& x, const View& y) const {
    Doubles values = doubles(x);
    for (size_t i = 0; i < values.size(); ++i) {
      const uint64_t index = static_cast<uint64_t>(params.first_element) + i;
      const bool keep = to_unit(random_word(params.key, index)) >= params.p;
      values[i] =
          keep ? values[i] * static_cast<double>(static_cast<float>(1 / (1 - params.p))) : 0;
    }
    store(y, values);
  }
};

testing::AssertionResult drops(const DropoutParams& params, const Tensor& x) {
  return agree<PlainDropout>(
      {{x}, {unwritten(x.shape(), x.dtype())}},
      [&](auto& on, const Inputs& in, const Outputs& out) { on.dropout(params, in[0], out[0]); });
}

std::vector<float> dropped(const DropoutParams& params, const Tensor& x) {
  return outputs_of({{x}, {unwritten(x.shape())}},
                    [&](Backend& on, const Inputs& in, const Outputs& out) {
                      on.dropout(params, in[0], out[0]);
                    })[0]
      .to_vector<float>();
}

TEST(Dropout, IsTheDocumentedFunctionOfKeyAndPosition) {
  for (DType dtype : floats())
    for (double p : {0.0, 0.1, 0.3, 0.5, 0.9, 1.0})
      for (int64_t first :
           {int64_t{0}, int64_t{1}, int64_t{6}, int64_t{255}, int64_t{4096}, int64_t{4} << 32})
        for (int64_t size : {0, 1, 3, 17, 256, 1001, 2048})
          EXPECT_TRUE(drops({p, {11, 22}, first}, random_tensor({size}, dtype)))
              << p << " " << first << " " << size;
}

TEST(Dropout, OfManyElements) {
  for (double p : {0.1, 0.3, 0.5, 0.9})
    for (int64_t first : {int64_t{0}, int64_t{1}, int64_t{6}, int64_t{255}, int64_t{4} << 32})
      EXPECT_TRUE(drops({p, {11, 22}, first}, random_tensor({100003}))) << p << " " << first;
}

// p equal to, just below and just above the number drawn for an element: only "above" drops it.
TEST(Dropout, TheBoundaryIsExact) {
  const RngKey key{8, 9};
  const double drawn = to_unit(random_word(key, 5));
  for (double distance : {-0x1p-25, 0.0, 0x1p-25})
    EXPECT_EQ(dropped({drawn + distance, key, 0}, ones(host(), {6}))[5] == 0.0f, distance > 0)
        << distance;
}

TEST(Dropout, KeepsTheExpectedShareAndTheMean) {
  const int64_t size = 1000000;
  const std::vector<float> y = dropped({0.3, {5, 6}, 0}, ones(host(), {size}));
  const auto kept = size - std::count(y.begin(), y.end(), 0.0f);
  EXPECT_NEAR(static_cast<double>(kept) / size, 0.7, 0.002);  // four standard deviations
  EXPECT_NEAR(std::accumulate(y.begin(), y.end(), 0.0) / size, 1.0, 0.003);
}

// The two halves of a batch on two ranks get the mask of the whole batch.
TEST(Dropout, PartsOfABatchSeeOneMask) {
  const Tensor x = random_tensor({999});
  const std::vector<float> whole = dropped({0.5, {3, 4}, 100}, x);
  std::vector<float> parts = dropped({0.5, {3, 4}, 100}, x.rows(0, 333));
  const std::vector<float> rest = dropped({0.5, {3, 4}, 433}, x.rows(333, 999));
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(parts, whole);
}

TEST(Dropout, InPlaceAndUnaligned) {
  for (DType dtype : floats())
    for (int64_t at : {0, 1, 4})
      for (int64_t first : {0, 7})
        EXPECT_TRUE(agree<PlainDropout>({{}, {random_tensor({1100}, dtype)}},
                                        [&](auto& on, const Inputs&, const Outputs& out) {
                                          const View x = part(out[0], at, {1001});
                                          on.dropout({0.4, {~0ull, 1ull << 40}, first}, x, x);
                                        }))
            << at << " " << first;
}

TEST(Dropout, DropsNaN) {
  EXPECT_TRUE(drops({0.5, {1, 2}, 0}, unwritten({100})));
  EXPECT_TRUE(drops({1.0, {3, 4}, 0}, unwritten({1000})));
}

}  // namespace
}  // namespace d2l::test
