#pragma once

#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"

// AMX, of Intel's servers from Sapphire Rapids on: registers that are tiles of 16 rows of 16 pairs,
// and an instruction that multiplies two of them, 8192 products at once.

#if defined(__x86_64__)
#define D2L_TILES __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16")))
#else
#define D2L_TILES
#endif

namespace d2l::cpu {

// Whether this machine has them and the system lets this process use them.
bool has_tiles();

constexpr int64_t kTile = kPairLanes * kPairLanes;  // pairs

// Row i of a tile becomes its column i.
void transpose_tile(Pair* tile);

// Tiles that lie one after the other; `second` may be null.
struct TileRow {
  const Pair* first;
  const Pair* second;
};

// Up to four sums of `count` products of tiles: of each of the transposed ones in `rows` with each
// in `columns`. sums[r][c] belongs to row r of the former and column c of the latter; where there
// is no second one its part of them stays as it is.
constexpr int64_t kTileSums = 32;
void multiply_tiles(const TileRow& rows, const TileRow& columns, int64_t count,
                    float (&sums)[kTileSums][kTileSums]);

}  // namespace d2l::cpu
