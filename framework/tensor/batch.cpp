#include "framework/tensor/batch.h"

#include <algorithm>

namespace d2l {

int64_t share_begin(int64_t size, int64_t parts, int64_t part) {
  return size / parts * part + std::min(size % parts, part);
}

std::vector<Piece> cut(int64_t samples, int64_t pieces) {
  check(pieces >= 1, "batch: expected at least 1 piece, found ", pieces);
  const int64_t count = std::max<int64_t>(1, std::min(pieces, samples));
  std::vector<Piece> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back({.begin = samples * i / count, .end = samples * (i + 1) / count});
  return result;
}

std::vector<Piece> slices_of(const Batch& batch, int64_t slices, int rank, int ranks) {
  check(slices % ranks == 0, "batch: expected equally many slices for each of the ", ranks,
        " ranks, found ", slices);
  const int64_t of_rank = slices / ranks, first = rank * of_rank;
  const auto begin = [&](int64_t slice) {
    return share_begin(batch.global_size, slices, slice) - batch.first_in_global;
  };
  check(begin(first) == 0 && begin(first + of_rank) == batch.size(),
        "batch: expected whole slices, found ", batch.size(), " samples from sample ",
        batch.first_in_global, " of ", batch.global_size, " in ", slices, " slices");
  std::vector<Piece> result;
  for (int64_t i = first; i < first + of_rank; ++i)
    result.push_back({.begin = begin(i), .end = begin(i + 1)});
  return result;
}

}  // namespace d2l
