#include <cstring>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

const std::vector<DType> kTypes = {DType::f32, DType::f64,  DType::i32, DType::i64,
                                   DType::u8,  DType::bf16, DType::f16};

struct Case {
  const char* name;
  Shape shape;
  Strides in, out;
  int64_t in_first = 0, out_first = 0;  // where index 0 is
  int64_t in_size, out_size;            // of the arrays
};

std::vector<Case> row_cases() {
  return {
      {"scalar", {}, {}, {}, 0, 0, 1, 1},
      {"flat", {5003}, {1}, {1}, 0, 0, 5003, 5003},
      {"flat, unaligned", {1003}, {1}, {1}, 3, 1, 1006, 1004},
      {"every third", {17}, {3}, {1}, 1, 0, 52, 17},
      {"into every third", {17}, {1}, {3}, 0, 2, 17, 52},
      {"reversed", {1001}, {-1}, {1}, 1000, 0, 1001, 1001},
      {"into reversed", {1001}, {1}, {-1}, 0, 1000, 1001, 1001},
      {"reversed into reversed", {101}, {-1}, {-1}, 100, 100, 101, 101},
      {"one value everywhere", {30, 20}, {0, 0}, {20, 1}, 0, 0, 1, 600},
      {"row everywhere", {30, 20}, {0, 1}, {20, 1}, 0, 0, 20, 600},
      {"column everywhere", {30, 48}, {1, 0}, {48, 1}, 0, 0, 30, 1440},
      {"column everywhere, unaligned", {30, 20}, {1, 0}, {21, 1}, 0, 1, 30, 640},
      {"column everywhere, odd rows", {30, 16}, {1, 0}, {17, 1}, 0, 0, 30, 510},
      {"odd rows", {30, 16}, {17, 1}, {16, 1}, 0, 0, 510, 480},
      {"into odd rows", {30, 16}, {16, 1}, {18, 1}, 0, 0, 480, 540},
      {"block of a matrix", {50, 40}, {100, 1}, {40, 1}, 2005, 0, 8000, 2000},
      {"aligned block of a matrix", {50, 32}, {96, 1}, {32, 1}, 2016, 0, 8000, 1600},
      {"into a block", {50, 40}, {40, 1}, {100, 1}, 0, 2005, 2000, 8000},
      {"into an aligned block", {50, 32}, {32, 1}, {96, 1}, 0, 2016, 1600, 8000},
      {"flipped images", {4, 9, 11, 3}, {297, 33, -3, 1}, {297, 33, 3, 1}, 30, 0, 1188, 1188},
      {"heads apart", {3, 2, 10, 16}, {320, 16, 32, 1}, {320, 160, 16, 1}, 0, 0, 960, 960},
      {"axes of size one", {1, 7, 1, 5}, {99, 5, 77, 1}, {35, 5, 5, 1}, 0, 0, 35, 35},
      {"nothing", {4, 0, 3}, {0, 3, 1}, {0, 3, 1}, 0, 0, 1, 1},
  };
}

std::vector<Case> transposed_cases() {
  return {
      {"square", {64, 64}, {1, 64}, {64, 1}, 0, 0, 4096, 4096},
      {"transpose", {33, 77}, {1, 33}, {77, 1}, 0, 0, 2541, 2541},
      {"narrow", {200, 9}, {1, 200}, {9, 1}, 0, 0, 1800, 1800},
      {"tiny", {3, 5}, {1, 3}, {5, 1}, 0, 0, 15, 15},
      {"of the output", {33, 57}, {57, 1}, {1, 33}, 0, 0, 1881, 1881},
      {"of reversed rows", {64, 48}, {1, -64}, {48, 1}, 47 * 64, 0, 3072, 3072},
      {"into reversed rows", {40, 48}, {1, 40}, {-48, 1}, 0, 39 * 48, 1920, 1920},
      {"in the last axes", {3, 2, 20, 10}, {400, 200, 1, 20}, {400, 200, 10, 1}, 0, 0, 1200, 1200},
      {"around an axis", {20, 3, 10}, {1, 200, 20}, {30, 10, 1}, 0, 0, 600, 600},
      {"NHWC to NCHW", {2, 3, 9, 10}, {270, 1, 30, 3}, {270, 90, 10, 1}, 0, 0, 540, 540},
      {"NHWC to NCHW, more",
       {2, 16, 9, 10},
       {1440, 1, 160, 16},
       {1440, 90, 10, 1},
       0,
       0,
       2880,
       2880},
      {"NCHW to NHWC", {2, 9, 10, 3}, {270, 10, 1, 90}, {270, 30, 3, 1}, 0, 0, 540, 540},
      {"eight axes backwards",
       {2, 3, 2, 3, 2, 3, 2, 3},
       {1, 2, 6, 12, 36, 72, 216, 432},
       {648, 216, 108, 36, 18, 6, 3, 1},
       0,
       0,
       1296,
       1296},
  };
}

testing::AssertionResult copies(const Case& test, DType from, DType to, bool accumulate) {
  return like_cpu({{random_tensor({test.in_size}, from, 0, 200)},
                   {random_tensor({test.out_size}, to, 0, 200)},
                   false},
                  [&](Backend& on, const auto& in, const auto& out) {
                    const auto in_bytes = test.in_first * static_cast<int64_t>(size_of(from));
                    const auto out_bytes = test.out_first * static_cast<int64_t>(size_of(to));
                    on.copy({in[0].template as<char>() + in_bytes, from, test.shape, test.in},
                            {out[0].template as<char>() + out_bytes, to, test.shape, test.out},
                            accumulate);
                  });
}

TEST(CudaCopies, Rows) {
  for (const Case& test : row_cases())
    for (DType dtype : kTypes) EXPECT_TRUE(copies(test, dtype, dtype, false)) << test.name;
}

TEST(CudaCopies, Transposed) {
  for (const Case& test : transposed_cases())
    for (DType dtype : kTypes) EXPECT_TRUE(copies(test, dtype, dtype, false)) << test.name;
}

TEST(CudaCopies, Accumulated) {
  for (const auto& cases : {row_cases(), transposed_cases()})
    for (const Case& test : cases)
      EXPECT_TRUE(copies(test, DType::f32, DType::f32, true)) << test.name;
}

TEST(CudaCopies, CastsBetweenAllTypes) {
  const std::vector<Case> cases = {
      {"flat", {1003}, {1}, {1}, 0, 0, 1003, 1003},
      {"flat, unaligned", {103}, {1}, {1}, 1, 3, 104, 106},
      {"rows", {9, 16}, {20, 1}, {16, 1}, 0, 0, 200, 144},
      {"transposed", {33, 41}, {1, 33}, {41, 1}, 0, 0, 1353, 1353},
  };
  for (const Case& test : cases)
    for (DType from : kTypes)
      for (DType to : kTypes)
        EXPECT_TRUE(copies(test, from, to, false))
            << test.name << ", " << to_string(from) << " to " << to_string(to);
}

// Ties on both sides, carries into the exponent and to infinity, numbers below the normal ones.
TEST(CudaCopies, RoundsTo16BitsAsTheCpuDoes) {
  const std::vector<uint32_t> bits = {
      0x00000000, 0x80000000, 0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x3fffffff,
      0x7f7fffff, 0xff7f8000, 0x7f7f7fff, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001,
      0xffc12345, 0x00000001, 0x00008000, 0x00018000, 0x007fffff, 0x80008001, 0x33000000,
      0x33800000, 0x477fefff, 0x477ff000, 0x387fe000, 0x38801000};
  Tensor numbers(host(), {static_cast<int64_t>(bits.size())});
  std::memcpy(numbers.view().data, bits.data(), numbers.bytes());
  for (DType to : {DType::bf16, DType::f16})
    EXPECT_TRUE(like_cpu({{numbers}, {unwritten(numbers.shape(), to)}, false}, [](Backend& on,
                                                                                  const auto& in,
                                                                                  const auto& out) {
      on.copy(strided(in[0]), strided(out[0]), false);
    })) << to_string(to);
}

// Several indices name one element of the output.
TEST(CudaCopies, AccumulatesIntoOverlappingElements) {
  const std::vector<Case> cases = {
      {"windows", {500, 3}, {3, 1}, {1, 1}, 0, 0, 1500, 502},
      {"wide windows", {60, 90}, {90, 1}, {1, 1}, 0, 0, 5400, 149},
      {"windows with gaps", {50, 3}, {3, 1}, {4, 3}, 0, 2, 150, 210},
      {"backward windows", {50, 3}, {3, 1}, {-1, 1}, 0, 49, 150, 52},
      {"windows of images",
       {2, 5, 4, 3, 3, 2},
       {360, 72, 18, 6, 2, 1},
       {168, 12, 2, 12, 2, 1},
       0,
       0,
       720,
       336},
      {"sums of columns", {200, 5}, {5, 1}, {0, 1}, 0, 0, 1000, 5},
      {"sums of rows", {200, 5}, {5, 1}, {1, 0}, 0, 0, 1000, 200},
      {"sum of all", {20, 5}, {5, 1}, {0, 0}, 0, 0, 100, 1},
  };
  for (const Case& test : cases)
    EXPECT_TRUE(like_cpu({{random_tensor({test.in_size})}, {random_tensor({test.out_size})}},
                         [&](Backend& on, const auto& in, const auto& out) {
                           on.copy({in[0].data, DType::f32, test.shape, test.in},
                                   {out[0].template as<float>() + test.out_first, DType::f32,
                                    test.shape, test.out},
                                   true);
                         },
                         {.relative = 1e-5, .absolute = 1e-5}))
        << test.name;
}

TEST(CudaFill, EveryType) {
  for (DType dtype : kTypes)
    for (double value : {0.0, -0.0, 1.0, 2.5, 77.0})
      for (int64_t first : {0, 1})
        for (int64_t size : {0, 1, 17, 2003})
          EXPECT_TRUE(
              like_cpu({{}, {random_tensor({first + size + 1}, dtype, 0, 100)}, false},
                       [&](Backend& on, const auto&, const auto& out) {
                         const auto bytes = first * static_cast<int64_t>(size_of(dtype));
                         on.fill({out[0].template as<char>() + bytes, dtype, {size}}, value);
                       }))
              << to_string(dtype) << " " << value << " " << size;
}

TEST(CudaRows, GatherAnyType) {
  for (DType dtype : kTypes)
    for (int64_t columns : {0, 1, 3, 13, 16, 100})
      for (int64_t count : {0, 1, 50})
        EXPECT_TRUE(
            like_cpu({{random_tensor({97, columns}, dtype, 0, 100), random_indices({count}, 0, 97)},
                      {unwritten({count, columns}, dtype)}},
                     [](Backend& on, const auto& in, const auto& out) {
                       on.gather_rows(in[0], in[1], out[0]);
                     }))
            << to_string(dtype) << " " << columns;
}

TEST(CudaRows, GatherFromUnalignedTables) {
  EXPECT_TRUE(like_cpu({{random_tensor({401}), random_indices({30}, 0, 50)}, {unwritten({30, 8})}},
                       [](Backend& on, const auto& in, const auto& out) {
                         const float* table = in[0].template as<float>() + 1;
                         on.gather_rows({table, DType::f32, {50, 8}}, in[1], out[0]);
                       }));
}

// The same bits: rows are added in their order.
TEST(CudaRows, ScatterAdds) {
  for (int64_t columns : {0, 1, 13, 33, 100, 512, 700})
    for (int64_t table : {1, 11, 300})
      for (int64_t count : {0, 1, 63, 64, 129, 200})
        EXPECT_TRUE(like_cpu({{random_tensor({count, columns}), random_indices({count}, 0, table)},
                              {random_tensor({table, columns})}},
                             [](Backend& on, const auto& in, const auto& out) {
                               on.scatter_add_rows(in[0], in[1], out[0]);
                             }))
            << columns << " " << table << " " << count;
}

TEST(CudaRows, ScatterAddsToUnalignedTables) {
  EXPECT_TRUE(
      like_cpu({{random_tensor({30, 8}), random_indices({5, 6}, 0, 50)}, {random_tensor({401})}},
               [](Backend& on, const auto& in, const auto& out) {
                 float* table = out[0].template as<float>() + 1;
                 on.scatter_add_rows(in[0], in[1], {table, DType::f32, {50, 8}});
               }));
}

}  // namespace
}  // namespace d2l::test
