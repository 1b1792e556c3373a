#include "framework/tensor/batch.h"

#include <gmock/gmock.h>

#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::device;
using test::message_of;
using testing::ElementsAre;

Batch numbered(int64_t samples) {
  return {.inputs = arange(device(), 2 * samples).reshape({samples, 2}),
          .labels = arange(device(), samples, DType::i64),
          .global_size = 20,
          .first_in_global = 7};
}

TEST(Batch, SplitsIntoPiecesThatFollowEachOther) {
  const std::vector<Batch> pieces = numbered(5).split(3);
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_THAT(pieces[0].labels.to_vector<int64_t>(), ElementsAre(0));
  EXPECT_THAT(pieces[1].labels.to_vector<int64_t>(), ElementsAre(1, 2));
  EXPECT_THAT(pieces[2].labels.to_vector<int64_t>(), ElementsAre(3, 4));
  EXPECT_THAT(pieces[2].inputs.to_vector<float>(), ElementsAre(6, 7, 8, 9));
  EXPECT_EQ(pieces[0].first_in_global, 7);
  EXPECT_EQ(pieces[2].first_in_global, 10);
  for (const Batch& piece : pieces) EXPECT_EQ(piece.global_size, 20);
}

TEST(Batch, SplitLeavesNoPieceEmptyButTheOnlyOne) {
  EXPECT_EQ(numbered(5).split(1).size(), 1u);
  EXPECT_EQ(numbered(2).split(8).size(), 2u);
  const std::vector<Batch> nothing = numbered(0).split(4);
  ASSERT_EQ(nothing.size(), 1u);
  EXPECT_EQ(nothing[0].labels.elements(), 0);
  EXPECT_EQ(message_of([] { numbered(2).split(0); }), "batch: expected at least 1 piece, found 0");
}

}  // namespace
}  // namespace d2l
