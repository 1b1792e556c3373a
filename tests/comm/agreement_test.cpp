#include "framework/comm/agreement.h"

#include <gmock/gmock.h>

#include "tests/comm/mpi_main.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string complaint(const Facts& facts) {
  return message_of(
      [&] { check_agreement(facts, comm(), "host" + std::to_string(comm().rank())); });
}

int last_rank() { return comm().size() - 1; }
bool is_last() { return comm().rank() == last_rank(); }

TEST(Agreement, AcceptsEqualFacts) {
  check_agreement({}, comm(), "host");
  check_agreement({{"--lr", "0.1"}, {"--freeze", ""}}, comm(), session().host());
}

TEST(Agreement, NamesTheRankItsHostAndBothValues) {
  if (comm().size() == 1) return;
  const std::string text =
      complaint({{"--seed", "3"}, {"--optimizer", is_last() ? "adam" : "sgd"}});
  EXPECT_THAT(
      text, HasSubstr("the ranks do not agree: --optimizer is sgd on rank 0 (host0), adam on "
                      "rank " +
                      std::to_string(last_rank()) + " (host" + std::to_string(last_rank()) + ")"));
  EXPECT_THAT(text, Not(HasSubstr("more")));
}

TEST(Agreement, CountsWhatElseDiffers) {
  if (comm().size() < 3) return;
  const bool first = comm().rank() == 0;
  EXPECT_THAT(
      complaint({{"a", "same"}, {"b", first ? "1" : "2"}, {"c", first ? "" : "3"}}),
      AllOf(HasSubstr("b is 1 on rank 0 (host0), 2 on rank 1 (host1); 1 more of its values differ"),
            HasSubstr(concat("; ", comm().size() - 2, " more rank"))));
}

TEST(Agreement, SeesFactsThatOnlySomeRanksHave) {
  if (comm().size() == 1) return;
  Facts facts = {{"a", "1"}};
  if (!is_last()) facts.push_back({"b", ""});
  EXPECT_THAT(complaint(facts), HasSubstr("b is empty on rank 0 (host0), absent on rank"));
  facts = {{"a", "1"}};
  if (is_last()) facts.push_back({"c", "5"});
  EXPECT_THAT(complaint(facts), HasSubstr("c is absent on rank 0 (host0), 5 on rank"));
}

TEST(Agreement, CutsLongValuesWithoutHarm) {
  if (comm().size() == 1) return;
  const std::string value(5000, is_last() ? 'x' : 'y');
  EXPECT_THAT(complaint({{std::string(500, 'n'), value}}), HasSubstr("xxxxx on rank"));
}

}  // namespace
}  // namespace d2l
