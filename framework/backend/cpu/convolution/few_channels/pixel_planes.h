#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include "framework/backend/cpu/constants.h"
#include "framework/backend/cpu/convolution/few_channels/few_channels.h"
#include "framework/backend/cpu/lanes.h"

// Shared by the kernels of pixels*.cpp. They compute on planes, rows of one channel:
// [channels][wide_row], where a vector holds 16 adjacent pixels. In memory, results have the few
// channels of a pixel adjacent: [pixels][channels]. Interleaving converts planes to pixels,
// deinterleaving does the reverse.

namespace d2l::cpu {

constexpr int64_t kLanes = 16;
constexpr int64_t kMostOut = 8;

inline int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }
// The row length of results, rounded up to pairs of vectors.
inline int64_t wide_row(const ConvolutionShape& s) { return round_up(s.out_width, 2 * kLanes); }
// The row length of the padded image: every vector of a wide row can be shifted by the kernel, and
// each row begins at a cache line.
inline int64_t image_row(const ConvolutionShape& s) {
  return round_up(std::max(wide_row(s) + s.kernel_width + kLanes, s.padded_width()), kLanes);
}

using ShuffleIndices = std::array<int32_t, 16>;

// The shuffle that takes lanes from vector number `newest` where source(lane) names it, and keeps
// the other lanes.
template <class Source>
constexpr ShuffleIndices shuffle_indices(int newest, const Source& source) {
  ShuffleIndices indices{};
  for (int lane = 0; lane < 16; ++lane) {
    auto [vector, from] = source(lane);
    bool first_two = newest == 1 && vector == 0;
    indices[lane] = vector == newest ? 16 + from : first_two ? from : lane;
  }
  return indices;
}

// result[lane] = in[vector][from], where {vector, from} = source(lane).
template <int kCount, class Source, int... kNewest>
[[gnu::always_inline]] inline void pick(std::integer_sequence<int, kNewest...>, const Lanes16* in,
                                        const Source&, Lanes16& result) {
  result = in[0];
  [[maybe_unused]] auto step = [&]<int kVector>(std::integral_constant<int, kVector>)
      __attribute__((always_inline)) {
    static constexpr ShuffleIndices kIndices = shuffle_indices(kVector, Source{});
    Lanes16i indices;
    load(indices, kIndices.data());
    result = __builtin_shuffle(result, in[kVector], indices);
  };
  (step(std::integral_constant<int, kNewest + 1>{}), ...);
}

template <int kOut, int kVector>
struct Interleaved {
  constexpr std::pair<int, int> operator()(int lane) const {
    int at = kVector * 16 + lane;
    return {at % kOut, at / kOut};
  }
};

template <int kOut, int kChannel>
struct Deinterleaved {
  constexpr std::pair<int, int> operator()(int lane) const {
    int at = lane * kOut + kChannel;
    return {at / 16, at % 16};
  }
};

template <template <int, int> class Source, int kOut, class T, int... kIndex>
[[gnu::always_inline]] inline void pick_all(std::integer_sequence<int, kIndex...>, const T* in,
                                            int64_t in_step, float* out, int64_t out_step) {
  Lanes16 vectors[kOut];
  for (int i = 0; i < kOut; ++i) load(vectors[i], in + i * in_step);
  auto one = [&]<int kAt>(std::integral_constant<int, kAt>) __attribute__((always_inline)) {
    Lanes16 result;
    pick<kOut>(std::make_integer_sequence<int, kOut - 1>{}, vectors, Source<kOut, kAt>{}, result);
    store(result, out + kAt * out_step);
  };
  (one(std::integral_constant<int, kIndex>{}), ...);
}

template <int kOut>
[[gnu::always_inline]] inline void interleave(const float* planes, int64_t wide, float* pixels) {
  for (int64_t i = 0; i < wide; i += kLanes)
    pick_all<Interleaved, kOut>(std::make_integer_sequence<int, kOut>{}, planes + i, wide,
                                pixels + i * kOut, kLanes);
}

template <int kOut, class T>
[[gnu::always_inline]] inline void deinterleave(const T* pixels, int64_t wide, float* planes) {
  for (int64_t i = 0; i < wide; i += kLanes)
    pick_all<Deinterleaved, kOut>(std::make_integer_sequence<int, kOut>{}, pixels + i * kOut,
                                  kLanes, planes + i, wide);
}

// T, the images' type, is float or Bfloat16.

// Copies an image into the interior of padded [padded_height][image_row], whose border is zero.
template <class T>
void pad_image(const ConvolutionShape& s, const T* x, float* padded);

// Computes rows oy and oy + 1 of one image's result, without the activation: planes
// [2][out][wide_row].
void forward_rows(const ConvolutionShape& s, const float* padded, int64_t oy, const float* weight,
                  const float* bias, float* planes);

// Writes the gradient of image n before the activation: planes [out_height][out][wide_row], with
// zeros after each row. `pixels` is scratch memory for a plane of each channel.
template <class T>
using GradientOfImage = std::function<void(int64_t n, T* pixels, float* planes)>;
template <class T>
void sum_weight_gradient(const ConvolutionShape& s, MemoryPool& pool, const T* x,
                         const GradientOfImage<T>& gradient, float* grad_weight, float* grad_bias);

}  // namespace d2l::cpu
