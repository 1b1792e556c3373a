#pragma once

#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/pack.h"

// out[i] = f(in[i]...) over flat arrays.

namespace d2l::cuda {

// Loads elements [begin, begin + kWide) of [0, count); elements outside are 0. `whole`: the address
// is aligned to a pack and the whole pack is inside.
template <int kWide, class T>
__device__ Pack<T, kWide> load_part(const T* from, int64_t begin, int64_t count, bool whole) {
  if (whole) return load_pack<kWide>(from + begin);
  Pack<T, kWide> part{};
  for (int k = 0; k < kWide; ++k)
    if (begin + k >= 0 && begin + k < count) part.at[k] = from[begin + k];
  return part;
}

template <int kWide, class T>
__device__ void store_part(const Pack<T, kWide>& pack, T* to, int64_t begin, int64_t count,
                           bool whole) {
  if (whole) return store_pack(pack, to + begin);
  for (int k = 0; k < kWide; ++k)
    if (begin + k >= 0 && begin + k < count) to[begin + k] = pack.at[k];
}

template <class Out, int kWide, class F, class... In>
__device__ Pack<Out, kWide> map_pack(const F& f, const Pack<In, kWide>&... in) {
  Pack<Out, kWide> result;
  for (int k = 0; k < kWide; ++k)
    result.at[k] = static_cast<Out>(f(static_cast<float>(in.at[k])...));
  return result;
}

// Adjacent elements per thread: 16 bytes of the widest type.
template <class... T>
inline constexpr int kMapWide = static_cast<int>(16 / std::max({sizeof(T)...}));

template <class F, class Out, class... In>
__global__ void __launch_bounds__(kThreads)
    map_kernel(int64_t count, bool packed, F f, Out* out, const In*... in) {
  constexpr int kWide = kMapWide<Out, In...>;
  for (int64_t begin = first_item() * kWide; begin < count; begin += item_step() * kWide) {
    const bool whole = packed && begin + kWide <= count;
    store_part(map_pack<Out, kWide>(f, load_part<kWide>(in, begin, count, whole)...), out, begin,
               count, whole);
  }
}

// out[i] = f(in[i]...) for all i in [0, count), computed in f32. out may be one of the inputs. F is
// a small object with a __device__ operator().
template <class F, class Out, class... In>
void map(const Queue& queue, int64_t count, const F& f, Out* out, const In*... in) {
  constexpr int kWide = kMapWide<Out, In...>;
  const bool packed =
      are_aligned(sizeof(Out) * kWide, out) && (are_aligned(sizeof(In) * kWide, in) && ...);
  launch(queue, blocks_for(queue, ceil_div(count, kWide)), kThreads, map_kernel<F, Out, In...>,
         count, packed, f, out, in...);
}

}  // namespace d2l::cuda
