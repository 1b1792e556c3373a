#pragma once

#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"

// AMX, on Intel's servers since Sapphire Rapids: tile registers of 16 rows of 16 bf16 pairs, and an
// instruction that multiplies two tiles (8192 products).

#if defined(__x86_64__)
#define D2L_TILES __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16")))
#else
#define D2L_TILES
#endif

namespace d2l::cpu {

// Whether this machine has AMX and the system permits this process to use it.
bool has_tiles();

constexpr int64_t kTile = kPairLanes * kPairLanes;  // pairs

// Transposes a tile in place.
void transpose_tile(Pair* tile);

// Consecutive tiles in memory; `second` may be null.
struct TileRow {
  const Pair* first;
  const Pair* second;
};

// Adds up `count` products of tiles for up to four sums: each of the transposed tiles of `rows`
// times each tile of `columns`. sums[r][c] is for row r of the former and column c of the latter.
// Without a second tile, its part of the sums is left unchanged.
constexpr int64_t kTileSums = 32;
void multiply_tiles(const TileRow& rows, const TileRow& columns, int64_t count,
                    float (&sums)[kTileSums][kTileSums]);

}  // namespace d2l::cpu
