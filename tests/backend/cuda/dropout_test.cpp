#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

// All comparisons are exact: masks are functions of whole numbers, values one product.

TEST(CudaDropout, HasTheMasksOfTheCpu) {
  for (DType dtype : kFloats)
    for (double p : {0.0, 0.1, 0.5, 0.9, 1.0})
      for (int64_t first : {int64_t{0}, int64_t{1}, int64_t{6}, int64_t{4096}, int64_t{4} << 32})
        for (int64_t size : {0, 1, 3, 17, 1001, 2048})
          EXPECT_TRUE(like_cpu({{random_tensor({size}, dtype)}, {unwritten({size}, dtype)}},
                               [&](Backend& on, const auto& in, const auto& out) {
                                 on.dropout({p, {11, 22}, first}, in[0], out[0]);
                               }))
              << p << " " << first << " " << size;
}

TEST(CudaDropout, InPlaceAndUnaligned) {
  for (DType dtype : kFloats)
    for (int64_t at : {0, 1, 4})
      for (int64_t first : {0, 7})
        EXPECT_TRUE(like_cpu({{}, {random_tensor({1100}, dtype)}},
                             [&](Backend& on, const auto&, const auto& out) {
                               char* data = out[0].template as<char>();
                               const View x{data + at * static_cast<int64_t>(size_of(out[0].dtype)),
                                            out[0].dtype,
                                            {1001}};
                               on.dropout({0.4, {~0ull, 1ull << 40}, first}, x, x);
                             }))
            << at << " " << first;
}

TEST(CudaDropout, DropsNaN) {
  EXPECT_TRUE(like_cpu({{unwritten({100})}, {unwritten({100})}},
                       [](Backend& on, const auto& in, const auto& out) {
                         on.dropout({0.5, {1, 2}, 0}, in[0], out[0]);
                       }));
}

}  // namespace
}  // namespace d2l::test
