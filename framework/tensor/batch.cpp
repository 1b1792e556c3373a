#include "framework/tensor/batch.h"

#include <algorithm>

namespace d2l {

std::vector<Piece> cut(int64_t samples, int64_t pieces) {
  check(pieces >= 1, "batch: expected at least 1 piece, found ", pieces);
  const int64_t count = std::max<int64_t>(1, std::min(pieces, samples));
  std::vector<Piece> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back({.begin = samples * i / count, .end = samples * (i + 1) / count});
  return result;
}

}  // namespace d2l
