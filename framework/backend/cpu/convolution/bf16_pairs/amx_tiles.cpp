#include "framework/backend/cpu/convolution/bf16_pairs/amx_tiles.h"

#include "framework/backend/cpu/lanes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace d2l::cpu {

#if defined(__x86_64__)

namespace {

// The configuration of the eight tile registers.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig kConfig;
constexpr int64_t kRowBytes = 64;

// The operating system saves tile registers only for processes that have requested them.
bool system_allows_tiles() {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool processor_has_tiles() {
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTiles) != 0;
}

// A step of a transpose: exchanges blocks between all pairs of rows that are kStep apart.
template <int kStep>
[[gnu::always_inline]] D2L_PAIRS inline void exchange(Lanes16u (&rows)[16]) {
  Lanes16u low, high;
#pragma GCC unroll 16
  for (uint32_t j = 0; j < 16; ++j) {
    low[j] = (j & kStep) != 0 ? 16 + j - kStep : j;
    high[j] = (j & kStep) != 0 ? 16 + j : j + kStep;
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    if ((i & kStep) != 0) continue;
    const Lanes16u a = rows[i], b = rows[i + kStep];
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i + kStep] = __builtin_shuffle(a, b, high);
  }
}

}  // namespace

bool has_tiles() {
  static const bool found = has_pairs() && processor_has_tiles() && system_allows_tiles();
  return found;
}

D2L_PAIRS void transpose_tile(Pair* tile) {
  Lanes16u rows[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) load(rows[i], tile + i * kPairLanes);
  exchange<8>(rows), exchange<4>(rows), exchange<2>(rows), exchange<1>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) store(rows[i], tile + i * kPairLanes);
}

// The asm barriers are necessary: the intrinsics do not tell the compiler that they access memory.
D2L_TILES void multiply_tiles(const TileRow& rows, const TileRow& columns, int64_t count,
                              float (&sums)[kTileSums][kTileSums]) {
  const bool two_rows = rows.second != nullptr, two_columns = columns.second != nullptr;
  constexpr int64_t kSumBytes = sizeof sums[0];
  asm volatile("" ::: "memory");
  _tile_loadconfig(&kConfig);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = i * kTile;
    _tile_loadd(4, rows.first + at, kRowBytes);
    _tile_loadd(6, columns.first + at, kRowBytes);
    _tile_dpbf16ps(0, 4, 6);
    if (two_columns) {
      _tile_loadd(7, columns.second + at, kRowBytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (!two_rows) continue;
    _tile_loadd(5, rows.second + at, kRowBytes);
    _tile_dpbf16ps(2, 5, 6);
    if (two_columns) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, &sums[0][0], kSumBytes);
  if (two_columns) _tile_stored(1, &sums[0][16], kSumBytes);
  if (two_rows) _tile_stored(2, &sums[16][0], kSumBytes);
  if (two_rows && two_columns) _tile_stored(3, &sums[16][16], kSumBytes);
  _tile_release();
  asm volatile("" ::: "memory");
}

#else

bool has_tiles() { return false; }
void transpose_tile(Pair*) {}
void multiply_tiles(const TileRow&, const TileRow&, int64_t, float (&)[kTileSums][kTileSums]) {}

#endif

}  // namespace d2l::cpu
