#include "framework/tensor/batch.h"

#include "tests/support/support.h"

namespace d2l::test {
namespace {

using Pieces = std::vector<Piece>;

TEST(Batch, IsCutIntoPiecesThatFollowEachOther) {
  EXPECT_EQ(cut(5, 3), (Pieces{{0, 1}, {1, 3}, {3, 5}}));
  EXPECT_EQ(cut(5, 1), (Pieces{{0, 5}}));
  EXPECT_EQ(cut(2, 8), (Pieces{{0, 1}, {1, 2}}));
}

TEST(Batch, NothingIsOnePiece) {
  EXPECT_EQ(cut(0, 4), (Pieces{{0, 0}}));
  EXPECT_EQ(message_of([] { cut(2, 0); }), "batch: expected at least 1 piece, found 0");
}

Batch part(int64_t size, int64_t first, int64_t global) {
  return {.inputs = {},
          .targets = Tensor(device(), {size}),
          .global_size = global,
          .first_in_global = first};
}

TEST(Batch, ConsistsOfTheSameSlicesOnAnyNumberOfRanks) {
  EXPECT_EQ(slices_of(part(10, 0, 10), 4, 0, 1), (Pieces{{0, 3}, {3, 6}, {6, 8}, {8, 10}}));
  EXPECT_EQ(slices_of(part(4, 6, 10), 4, 1, 2), (Pieces{{0, 2}, {2, 4}}));
  EXPECT_EQ(slices_of(part(1, 2, 3), 4, 2, 4), (Pieces{{0, 1}}));
  EXPECT_EQ(slices_of(part(0, 3, 3), 4, 3, 4), (Pieces{{0, 0}}));
}

TEST(Batch, HasOnlyWholeSlices) {
  EXPECT_EQ(message_of([] { slices_of(part(5, 5, 10), 4, 1, 2); }),
            "batch: expected whole slices, found 5 samples from sample 5 of 10 in 4 slices");
  EXPECT_EQ(message_of([] { slices_of(part(3, 0, 10), 4, 0, 3); }),
            "batch: expected equally many slices for each of the 3 ranks, found 4");
}

}  // namespace
}  // namespace d2l::test
