#include <cstring>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

// Copies element by element, by index.
struct PlainCopies {
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) const {
    visit_type(in.dtype, [&](auto from) {
      visit_type(out.dtype, [&](auto to) {
        using In = decltype(from);
        using Out = decltype(to);
        copy_as(static_cast<const In*>(in.data), static_cast<Out*>(out.data), in, out, accumulate);
      });
    });
  }

  void fill(const View& out, double value) const {
    store(out, Doubles(static_cast<size_t>(out.elements()), value));
  }

  void gather_rows(const ConstView& table, const ConstView& indices, const View& out) const {
    const Doubles from = doubles(table);
    const int64_t columns = table.shape[1];
    Doubles rows;
    for (int64_t index : integers(indices))
      rows.insert(rows.end(), from.begin() + index * columns, from.begin() + (index + 1) * columns);
    store(out, rows);
  }

  // In f32 like the kernels, in the order of the rows.
  void scatter_add_rows(const ConstView& rows, const ConstView& indices, const View& table) const {
    const int64_t columns = table.shape[1];
    const float* from = rows.as<float>();
    for (int64_t index : integers(indices))
      for (int64_t j = 0; j < columns; ++j) table.as<float>()[index * columns + j] += *from++;
  }

 private:
  template <class In, class Out>
  static void copy_as(const In* from, Out* to, const ConstStridedView& in, const StridedView& out,
                      bool accumulate) {
    for (int64_t i = 0; i < in.shape.elements(); ++i) {
      int64_t rest = i, source = 0, target = 0;
      for (int axis = in.shape.rank() - 1; axis >= 0; --axis) {
        source += rest % in.shape[axis] * in.strides[axis];
        target += rest % in.shape[axis] * out.strides[axis];
        rest /= in.shape[axis];
      }
      Out value = converted<Out>(from[source]);
      if constexpr (std::is_same_v<Out, float>)
        if (accumulate) value += to[target];
      to[target] = value;
    }
  }

  template <class Out, class In>
  static Out converted(In value) {
    if constexpr (std::is_same_v<In, Out>)
      return value;
    else if constexpr (sizeof(Out) == 2 || sizeof(In) == 2)
      return static_cast<Out>(static_cast<float>(value));
    else
      return static_cast<Out>(value);
  }
};

const std::vector<DType> kTypes = {DType::f32, DType::f64,  DType::i32, DType::i64,
                                   DType::u8,  DType::bf16, DType::f16};

struct CopyCase {
  const char* name;
  Shape shape;
  Strides in, out;
  int64_t in_first = 0, out_first = 0;  // offset of index 0
  int64_t in_size, out_size;            // of the arrays
};

std::vector<CopyCase> row_cases() {
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

std::vector<CopyCase> transposed_cases() {
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
      {"16 to NCHW", {2, 16, 9, 10}, {1440, 1, 160, 16}, {1440, 90, 10, 1}, 0, 0, 2880, 2880},
      {"NCHW to NHWC", {2, 9, 10, 3}, {270, 10, 1, 90}, {270, 30, 3, 1}, 0, 0, 540, 540},
      {.name = "eight axes backwards",
       .shape = {2, 3, 2, 3, 2, 3, 2, 3},
       .in = {1, 2, 6, 12, 36, 72, 216, 432},
       .out = {648, 216, 108, 36, 18, 6, 3, 1},
       .in_size = 1296,
       .out_size = 1296},
  };
}

// More elements than a CPU thread takes at a time.
std::vector<CopyCase> large_cases() {
  return {
      {"flat", {100003}, {1}, {1}, 0, 0, 100003, 100003},
      {"one value everywhere", {300, 200}, {0, 0}, {200, 1}, 0, 0, 1, 60000},
      {"row everywhere", {300, 200}, {0, 1}, {200, 1}, 0, 0, 200, 60000},
      {"column everywhere", {300, 200}, {1, 0}, {200, 1}, 0, 0, 300, 60000},
      {"transpose", {333, 257}, {1, 333}, {257, 1}, 0, 0, 85581, 85581},
      {"transpose of the output", {333, 257}, {257, 1}, {1, 333}, 0, 0, 85581, 85581},
      {"NHWC to NCHW", {5, 3, 20, 21}, {1260, 1, 63, 3}, {1260, 420, 21, 1}, 0, 0, 6300, 6300},
      {"NCHW to NHWC", {5, 20, 21, 3}, {1260, 21, 1, 420}, {1260, 63, 3, 1}, 0, 0, 6300, 6300},
      {"heads apart", {8, 6, 50, 16}, {4800, 16, 96, 1}, {4800, 800, 16, 1}, 0, 0, 38400, 38400},
  };
}

// Several indices refer to the same output element.
std::vector<CopyCase> overlapping_cases() {
  return {
      {"windows", {500, 3}, {3, 1}, {1, 1}, 0, 0, 1500, 502},
      {"wide windows", {60, 90}, {90, 1}, {1, 1}, 0, 0, 5400, 149},
      {"windows with gaps", {50, 3}, {3, 1}, {4, 3}, 0, 2, 150, 210},
      {"backward windows", {50, 3}, {3, 1}, {-1, 1}, 0, 49, 150, 52},
      {.name = "windows of images",
       .shape = {2, 5, 4, 3, 3, 2},
       .in = {360, 72, 18, 6, 2, 1},
       .out = {168, 12, 2, 12, 2, 1},
       .in_size = 720,
       .out_size = 336},
      {"sums of columns", {200, 5}, {5, 1}, {0, 1}, 0, 0, 1000, 5},
      {"sums of rows", {200, 5}, {5, 1}, {1, 0}, 0, 0, 1000, 200},
      {"sum of all", {20, 5}, {5, 1}, {0, 0}, 0, 0, 100, 1},
      {"many windows", {50000, 3}, {3, 1}, {1, 1}, 0, 0, 150000, 50002},
      {"many sums of rows", {20000, 5}, {5, 1}, {1, 0}, 0, 0, 100000, 20000},
  };
}

struct CopyKind {
  DType from = DType::f32, to = DType::f32;
  bool accumulate = false;
  double low = 0, high = 200;
};

testing::AssertionResult copies(const CopyCase& c, const CopyKind& kind,
                                const Tolerances& tolerances = tolerances::kExact) {
  return agree<PlainCopies>(
             {{random_tensor({c.in_size}, kind.from, kind.low, kind.high)},
              {random_tensor({c.out_size}, kind.to, kind.low, kind.high)},
              false},
             [&](auto& on, const Inputs& in, const Outputs& out) {
               const ConstView from = part(in[0], c.in_first, c.shape);
               const View to = part(out[0], c.out_first, c.shape);
               on.copy(ConstStridedView{from.data, from.dtype, c.shape, c.in},
                       StridedView{to.data, to.dtype, c.shape, c.out}, kind.accumulate);
             },
             tolerances)
         << "; " << c.name << ", " << to_string(kind.from) << " to " << to_string(kind.to);
}

TEST(Copy, AnyStridesOfAnyType) {
  for (const auto& cases : {row_cases(), transposed_cases()})
    for (const CopyCase& c : cases)
      for (DType dtype : kTypes) EXPECT_TRUE(copies(c, {dtype, dtype}));
  for (const CopyCase& c : large_cases()) EXPECT_TRUE(copies(c, {}));
}

TEST(Copy, Accumulates) {
  for (const auto& cases : {row_cases(), transposed_cases(), large_cases()})
    for (const CopyCase& c : cases) EXPECT_TRUE(copies(c, {DType::f32, DType::f32, true, -2, 2}));
}

TEST(Copy, AccumulatesIntoOverlappingElements) {
  for (const CopyCase& c : overlapping_cases())
    EXPECT_TRUE(copies(c, {DType::f32, DType::f32, true, -2, 2}, tolerances::kOverlappingSum));
  // a CPU adds in the order of the indices
  EXPECT_TRUE(copies({"many wide windows", {1000, 400}, {400, 1}, {1, 1}, 0, 0, 400000, 1399},
                     {DType::f32, DType::f32, true, -2, 2}, tolerances::kOrderedSum));
  EXPECT_TRUE(copies({"many sums of columns", {20000, 5}, {5, 1}, {0, 1}, 0, 0, 100000, 5},
                     {DType::f32, DType::f32, true, -2, 2},
                     tolerances::kOverlappingSum.scaled(1000)));
}

TEST(Copy, CastsBetweenAllTypes) {
  const std::vector<CopyCase> cases = {
      {"flat", {1003}, {1}, {1}, 0, 0, 1003, 1003},
      {"flat, unaligned", {103}, {1}, {1}, 1, 3, 104, 106},
      {"rows", {9, 16}, {20, 1}, {16, 1}, 0, 0, 200, 144},
      {"transposed", {33, 41}, {1, 33}, {41, 1}, 0, 0, 1353, 1353},
      {"many rows", {123, 211}, {211, 1}, {211, 1}, 0, 0, 25953, 25953},
      {"many columns", {123, 211}, {1, 123}, {211, 1}, 0, 0, 25953, 25953},
  };
  for (const CopyCase& c : cases)
    for (DType from : kTypes)
      for (DType to : kTypes) EXPECT_TRUE(copies(c, {from, to}));
}

// Ties in both directions, carries into the exponent and to infinity, denormal numbers.
TEST(Copy, RoundsTo16BitsToTheNearestEven) {
  const std::vector<uint32_t> bits = {
      0x00000000, 0x80000000, 0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x3fffffff,
      0x7f7fffff, 0xff7f8000, 0x7f7f7fff, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001,
      0xffc12345, 0x00000001, 0x00008000, 0x00018000, 0x007fffff, 0x80008001, 0x33000000,
      0x33800000, 0x477fefff, 0x477ff000, 0x387fe000, 0x38801000};
  Tensor numbers(host(), {static_cast<int64_t>(bits.size())});
  std::memcpy(numbers.view().data, bits.data(), numbers.bytes());
  for (DType to : {DType::bf16, DType::f16})
    EXPECT_TRUE(agree<PlainCopies>({{numbers}, {unwritten(numbers.shape(), to)}, false},
                                   [](auto& on, const Inputs& in, const Outputs& out) {
                                     on.copy(strided(in[0]), strided(out[0]), false);
                                   }))
        << to_string(to);
}

TEST(Fill, EveryType) {
  for (DType dtype : kTypes)
    for (double value : {0.0, -0.0, 1.0, 2.5, 77.0})
      for (int64_t first : {0, 1})
        for (int64_t size : {0, 1, 17, 2003, 100003})
          EXPECT_TRUE(
              agree<PlainCopies>({{}, {random_tensor({first + size + 1}, dtype, 0, 100)}, false},
                                 [&](auto& on, const Inputs&, const Outputs& out) {
                                   on.fill(part(out[0], first, {size}), value);
                                 }))
              << to_string(dtype) << " " << value << " " << size;
}

// Numbers that other types cannot represent.
TEST(Fill, LargestAndSmallest) {
  for (auto [dtype, value] : {std::pair{DType::f32, -2.5},
                              {DType::f64, 1e-300},
                              {DType::i32, -7.0},
                              {DType::i64, 0x1p40},
                              {DType::u8, 255.0}})
    for (int64_t size : {0, 1, 17, 100003})
      EXPECT_TRUE(
          agree<PlainCopies>({{}, {unwritten({size + 1}, dtype)}, false},
                             [&, with = value](auto& on, const Inputs&, const Outputs& out) {
                               on.fill(part(out[0], 0, {size}), with);
                             }))
          << to_string(dtype) << " " << size;
}

TEST(Rows, GatherAnyType) {
  for (DType dtype : kTypes)
    for (int64_t columns : {0, 1, 2, 3, 13, 16, 100})
      for (int64_t count : {0, 1, 50, 5000})
        EXPECT_TRUE(agree<PlainCopies>(
            {{random_tensor({97, columns}, dtype, 0, 100), random_indices({count}, 0, 97)},
             {unwritten({count, columns}, dtype)},
             false},
            [](auto& on, const Inputs& in, const Outputs& out) {
              on.gather_rows(in[0], in[1], out[0]);
            }))
            << to_string(dtype) << " " << columns;
}

TEST(Rows, GatherFromUnalignedTables) {
  EXPECT_TRUE(agree<PlainCopies>(
      {{random_tensor({401}), random_indices({30}, 0, 50)}, {unwritten({30, 8})}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.gather_rows(part(in[0], 1, {50, 8}), in[1], out[0]);
      }));
}

// Bit-identical: rows are added in order.
TEST(Rows, ScatterAddsInTheOrderOfTheRows) {
  for (int64_t columns : {0, 1, 13, 33, 100, 500, 512, 700})
    for (int64_t table : {1, 11, 300})
      for (int64_t count : {0, 1, 63, 64, 129, 200, 700})
        EXPECT_TRUE(agree<PlainCopies>(
            {{random_tensor({count, columns}), random_indices({count}, 0, table)},
             {random_tensor({table, columns})}},
            [](auto& on, const Inputs& in, const Outputs& out) {
              on.scatter_add_rows(in[0], in[1], out[0]);
            }))
            << columns << " " << table << " " << count;
}

TEST(Rows, ScatterAddsToUnalignedTables) {
  EXPECT_TRUE(agree<PlainCopies>(
      {{random_tensor({30, 8}), random_indices({5, 6}, 0, 50)}, {random_tensor({401})}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.scatter_add_rows(in[0], in[1], part(out[0], 1, {50, 8}));
      }));
}

TEST(HostCopies, ThereAndBack) {
  const std::vector<float> there = random_tensor({1001}).to_vector<float>();
  std::vector<float> back(1001);
  Tensor x(tested(), {1001});
  tested().copy_from_host(there.data(), x.view());
  tested().copy_to_host(x.view(), back.data());
  tested().synchronize();
  EXPECT_EQ(back, there);
  tested().copy_from_host(nullptr, {nullptr, DType::f32, {0, 3}});  // nothing to copy
}

TEST(HostCopies, WhatIsSentIsThereOnceReceived) {
  const std::vector<float> numbers = random_tensor({1001}).to_vector<float>();
  const size_t bytes = numbers.size() * sizeof(float);
  void* there = tested().staging().allocate(bytes);
  std::memcpy(there, numbers.data(), bytes);
  Tensor x(tested(), {1001});
  tested().upload_async(there, x.view(), tested().record_event());
  tested().await_uploads();
  EXPECT_EQ(x.to_vector<float>(), numbers);
  tested().staging().release(there);
}

}  // namespace
}  // namespace d2l::test
