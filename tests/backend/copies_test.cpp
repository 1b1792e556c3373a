#include <cstring>

#include "tests/backend/arrays.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// The oracle: one element after the other, by index.
template <class In, class Out>
void naive_copy(const In* in, const Strides& in_strides, Out* out, const Strides& out_strides,
                const Shape& shape, bool accumulate) {
  for (int64_t i = 0; i < shape.elements(); ++i) {
    int64_t rest = i, from = 0, to = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      from += rest % shape[axis] * in_strides[axis];
      to += rest % shape[axis] * out_strides[axis];
      rest /= shape[axis];
    }
    const Out value = static_cast<Out>(in[from]);
    out[to] = accumulate ? static_cast<Out>(out[to] + value) : value;
  }
}

struct Case {
  const char* name;
  Shape shape;
  Strides in, out;
  int64_t in_first = 0, out_first = 0;  // where index 0 is
  int64_t in_size, out_size;            // of the arrays
};

std::vector<Case> cases() {
  return {
      {"scalar", {}, {}, {}, 0, 0, 1, 1},
      {"flat", {100003}, {1}, {1}, 0, 0, 100003, 100003},
      {"every third", {17}, {3}, {1}, 1, 0, 52, 17},
      {"into every third", {17}, {1}, {3}, 0, 2, 17, 52},
      {"reversed", {1001}, {-1}, {1}, 1000, 0, 1001, 1001},
      {"into reversed", {1001}, {1}, {-1}, 0, 1000, 1001, 1001},
      {"one value everywhere", {300, 200}, {0, 0}, {200, 1}, 0, 0, 1, 60000},
      {"row everywhere", {300, 200}, {0, 1}, {200, 1}, 0, 0, 200, 60000},
      {"column everywhere", {300, 200}, {1, 0}, {200, 1}, 0, 0, 300, 60000},
      {"block of a matrix", {50, 40}, {100, 1}, {40, 1}, 2005, 0, 8000, 2000},
      {"into a block", {50, 40}, {40, 1}, {100, 1}, 0, 2005, 2000, 8000},
      {"transpose", {333, 257}, {1, 333}, {257, 1}, 0, 0, 85581, 85581},
      {"transpose, tiny", {3, 5}, {1, 3}, {5, 1}, 0, 0, 15, 15},
      {"transpose of the output", {333, 257}, {257, 1}, {1, 333}, 0, 0, 85581, 85581},
      {"transpose of reversed rows", {64, 48}, {1, -64}, {48, 1}, 47 * 64, 0, 3072, 3072},
      {"NHWC to NCHW", {5, 3, 20, 21}, {1260, 1, 63, 3}, {1260, 420, 21, 1}, 0, 0, 6300, 6300},
      {"NCHW to NHWC", {5, 20, 21, 3}, {1260, 21, 1, 420}, {1260, 63, 3, 1}, 0, 0, 6300, 6300},
      {"flipped images", {4, 9, 11, 3}, {297, 33, -3, 1}, {297, 33, 3, 1}, 30, 0, 1188, 1188},
      {"heads apart", {8, 6, 50, 16}, {4800, 16, 96, 1}, {4800, 800, 16, 1}, 0, 0, 38400, 38400},
      {"eight axes backwards",
       {2, 3, 2, 3, 2, 3, 2, 3},
       {1, 2, 6, 12, 36, 72, 216, 432},
       {648, 216, 108, 36, 18, 6, 3, 1},
       0,
       0,
       1296,
       1296},
      {"axes of size one", {1, 7, 1, 5}, {99, 5, 77, 1}, {35, 5, 5, 1}, 0, 0, 35, 35},
      {"nothing", {4, 0, 3}, {0, 3, 1}, {0, 3, 1}, 0, 0, 1, 1},
  };
}

TEST(Copy, AnyStrides) {
  auto backend = make_cpu_backend(2);
  for (const Case& test : cases())
    for (bool accumulate : {false, true}) {
      Floats from = random_floats(test.in_size);
      Floats to = random_floats(test.out_size, -1, 1, 9), expected = to;
      naive_copy(from.data() + test.in_first, test.in, expected.data() + test.out_first, test.out,
                 test.shape, accumulate);
      backend->copy({from.data() + test.in_first, DType::f32, test.shape, test.in},
                    {to.data() + test.out_first, DType::f32, test.shape, test.out}, accumulate);
      ASSERT_TRUE(same_bits(to, expected)) << test.name << (accumulate ? ", accumulated" : "");
    }
}

// Windows of 3 with step 1 and a step of 0: several indices name one output element.
TEST(Copy, AccumulatesIntoOverlappingElements) {
  expect_thread_independent([](Backend& backend) {
    constexpr int64_t kWindows = 50000;
    Floats from = random_floats(3 * kWindows), to(kWindows + 2, 0.5f), expected = to;
    const Strides windows{1, 1};
    const Shape shape{kWindows, 3};
    naive_copy(from.data(), {3, 1}, expected.data(), windows, shape, true);
    backend.copy({from.data(), DType::f32, shape, {3, 1}}, {to.data(), DType::f32, shape, windows},
                 true);
    EXPECT_TRUE(near(to, expected, 1e-6, 1e-6));

    Floats sums(5, 0.25f), expected_sums = sums;
    naive_copy(from.data(), {5, 1}, expected_sums.data(), {0, 1}, {20000, 5}, true);
    backend.copy({from.data(), DType::f32, {20000, 5}, {5, 1}},
                 {sums.data(), DType::f32, {20000, 5}, {0, 1}}, true);
    EXPECT_TRUE(near(sums, expected_sums, 1e-5, 1e-2));
    Floats rows(20000, 0.25f), expected_rows = rows;
    naive_copy(from.data(), {5, 1}, expected_rows.data(), {1, 0}, {20000, 5}, true);
    backend.copy({from.data(), DType::f32, {20000, 5}, {5, 1}},
                 {rows.data(), DType::f32, {20000, 5}, {1, 0}}, true);
    EXPECT_TRUE(near(rows, expected_rows, 1e-5, 1e-5));
    to.insert(to.end(), sums.begin(), sums.end());
    return to;
  });
}

// Rows whose outputs overlap far more than two threads' shares would leave apart.
TEST(Copy, AccumulatesWideWindowsInOneOrder) {
  expect_thread_independent([](Backend& backend) {
    const Shape shape{1000, 400};
    Floats from = random_floats(shape.elements()), to(1399, 0.5f), expected = to;
    naive_copy(from.data(), {400, 1}, expected.data(), {1, 1}, shape, true);
    backend.copy({from.data(), DType::f32, shape, {400, 1}}, {to.data(), DType::f32, shape, {1, 1}},
                 true);
    EXPECT_TRUE(same_bits(to, expected));
    return to;
  });
}

template <class In, class Out>
void expect_casts() {
  auto backend = make_cpu_backend(2);
  const Shape shape{123, 211};
  std::vector<In> from(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<In>(i * 7 % 201) / In{2};
  for (const Strides& strides : {Strides{211, 1}, Strides{1, 123}}) {
    std::vector<Out> to(from.size(), Out{77}), expected = to;
    naive_copy(from.data(), strides, expected.data(), {211, 1}, shape, false);
    backend->copy({from.data(), dtype_of<In>(), shape, strides},
                  {to.data(), dtype_of<Out>(), shape, {211, 1}}, false);
    ASSERT_EQ(to, expected) << to_string(dtype_of<In>()) << " to " << to_string(dtype_of<Out>());
  }
}

template <class In>
void expect_casts_from() {
  expect_casts<In, float>();
  expect_casts<In, double>();
  expect_casts<In, int32_t>();
  expect_casts<In, int64_t>();
  expect_casts<In, uint8_t>();
}

TEST(Copy, EveryPairOfTypes) {
  expect_casts_from<float>();
  expect_casts_from<double>();
  expect_casts_from<int32_t>();
  expect_casts_from<int64_t>();
  expect_casts_from<uint8_t>();
}

template <class T>
void expect_fills(double value) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : {0, 1, 17, 100003}) {
    std::vector<T> values(static_cast<size_t>(size) + 1, T{5});  // one more, to stay as it is
    backend->fill({values.data(), dtype_of<T>(), {size}}, value);
    for (int64_t i = 0; i < size; ++i) ASSERT_EQ(values[i], static_cast<T>(value));
    ASSERT_EQ(values[size], T{5});
  }
}

TEST(Fill, EveryType) {
  expect_fills<float>(-2.5);
  expect_fills<double>(1e-300);
  expect_fills<int32_t>(-7);
  expect_fills<int64_t>(1ll << 40);
  expect_fills<uint8_t>(255);
}

TEST(Rows, GatherAnyType) {
  auto backend = make_cpu_backend(2);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 5000; ++i) indices.push_back(i * 31 % 97);
  Floats table = random_floats(97 * 13), rows = poisoned(5000 * 13);
  backend->gather_rows(in(table, {97, 13}), in(indices, {5000}), out(rows, {5000, 13}));
  for (int64_t i = 0; i < 5000; ++i)
    for (int64_t j = 0; j < 13; ++j) ASSERT_EQ(rows[i * 13 + j], table[indices[i] * 13 + j]);

  std::vector<uint8_t> images = {1, 2, 3, 4, 5, 6}, picked(4, 0);
  backend->gather_rows({images.data(), DType::u8, {3, 2}}, in(std::vector<int64_t>{2, 0}, {2}),
                       out(picked, {2, 2}));
  EXPECT_EQ(picked, (std::vector<uint8_t>{5, 6, 1, 2}));
}

TEST(Rows, ScatterAddsInTheOrderOfTheRows) {
  for (int64_t columns : {1, 13, 500})
    expect_thread_independent([columns](Backend& backend) {
      std::vector<int64_t> indices;
      for (int64_t i = 0; i < 700; ++i) indices.push_back(i * i % 11);
      Floats rows = random_floats(700 * columns), table(static_cast<size_t>(11 * columns), 1.0f);
      Floats expected = table;
      for (int64_t i = 0; i < 700; ++i)
        for (int64_t j = 0; j < columns; ++j)
          expected[indices[i] * columns + j] += rows[i * columns + j];
      backend.scatter_add_rows(in(rows, {700, columns}), in(indices, {700}),
                               out(table, {11, columns}));
      EXPECT_TRUE(same_bits(table, expected));
      return table;
    });
}

TEST(HostCopies, ThereAndBack) {
  auto backend = make_cpu_backend(1);
  Floats host = random_floats(1001), device = poisoned(1001), back = poisoned(1001);
  backend->copy_from_host(host.data(), out(device));
  backend->copy_to_host(in(device), back.data());
  backend->synchronize();
  EXPECT_TRUE(same_bits(back, host));
  backend->copy_from_host(nullptr, {nullptr, DType::f32, {0, 3}});  // nothing to copy
}

TEST(HostCopies, WhatIsSentIsThereOnceReceived) {
  auto backend = make_cpu_backend(1);
  Floats host = random_floats(1001), device = poisoned(1001);
  backend->upload_async(host.data(), out(device), backend->record_event());
  backend->await_uploads();
  EXPECT_TRUE(same_bits(device, host));
}

TEST(CpuBackend, SaysWhatItIs) {
  EXPECT_EQ(make_cpu_backend(1)->device(), (Device{DeviceKind::cpu, 0}));
  EXPECT_EQ(make_cpu_backend(1)->describe().find("CPU, "), 0u);
  EXPECT_EQ(message_of([] { make_cpu_backend(0); }),
            "the CPU backend needs at least 1 thread, found 0");
}

}  // namespace
}  // namespace d2l::test
