#include "framework/train/data_summary.h"

#include <gtest/gtest.h>

namespace d2l {
namespace {

TEST(DataSummary, SaysHowLongTheRanksWaitedAndWhatWasReplaced) {
  EXPECT_EQ(DataSummary().text(), "waiting for data 0.0 %");
  EXPECT_EQ((DataSummary{.waited = 1, .seconds = 40}).text(), "waiting for data 2.5 %");
  EXPECT_EQ((DataSummary{.waited = 3, .seconds = 3, .replaced = {1, {}}}).text(),
            "waiting for data 100.0 %, 1 damaged sample was replaced");
  EXPECT_EQ((DataSummary{.replaced = {1200, {}}}).text(),
            "waiting for data 0.0 %, 1,200 damaged samples were replaced");
}

TEST(DataSummary, AddsUpWithEachProblemOnce) {
  DataSummary sum{.waited = 1, .seconds = 2, .replaced = {3, {"a", "b"}}};
  sum.add({.waited = 0.5, .seconds = 4, .replaced = {2, {"b", "c"}}});
  EXPECT_EQ(sum.waited, 1.5);
  EXPECT_EQ(sum.seconds, 6);
  EXPECT_EQ(sum.replaced.count, 5);
  EXPECT_EQ(sum.replaced.problems, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(DataSummary, OfOneRankIsItsOwn) {
  const auto comm = make_self_communicator();
  const DataSummary found =
      of_all_ranks({.waited = 1, .seconds = 2, .replaced = {2, {"x, 1: bad", "x, 2"}}}, *comm);
  EXPECT_EQ(found.waited, 1);
  EXPECT_EQ(found.seconds, 2);
  EXPECT_EQ(found.replaced.count, 2);
  EXPECT_EQ(found.replaced.problems, (std::vector<std::string>{"x, 1: bad", "x, 2"}));
}

}  // namespace
}  // namespace d2l
