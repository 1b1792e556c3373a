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

}  // namespace
}  // namespace d2l::test
