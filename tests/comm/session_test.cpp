#include <gmock/gmock.h>

#include <cstdlib>
#include <numeric>

#include "tests/comm/mpi_main.h"
#include "tests/comm/raw_mpi.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using namespace test;
using testing::HasSubstr;

TEST(Session, KnowsItsPlace) {
  int rank = -1, size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  EXPECT_EQ(session().rank(), rank);
  EXPECT_EQ(session().size(), size);
  EXPECT_EQ(comm().rank(), rank);
  EXPECT_EQ(comm().size(), size);
  EXPECT_FALSE(session().host().empty());
  if (const char* local = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK")) {
    EXPECT_EQ(session().local_rank(), std::atoi(local));
    EXPECT_EQ(session().local_size(), std::atoi(std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE")));
  }
  EXPECT_EQ(comm().describe(),
            size == 1 ? "1 rank" : "MPI, " + std::to_string(size) + " ranks on 1 host");
}

TEST(Session, KnowsWhatTheRanksOfAHostShare) {
  EXPECT_GE(session().own_cores(), 1);
  EXPECT_GE(session().local_cores(), session().own_cores());
  EXPECT_GT(session().cpu_quota(), 0);
}

TEST(Session, GathersTexts) {
  const int rank = session().rank();
  const std::string mine = rank == 1 ? "" : "rank\n" + std::string(static_cast<size_t>(rank), '\0');
  const std::vector<std::string> all = session().gather(mine);
  ASSERT_EQ(all.size(), static_cast<size_t>(session().size()));
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i], i == 1 ? "" : "rank\n" + std::string(i, '\0')) << i;
  EXPECT_EQ(session().gather("").back(), "");
}

// Groups of 1, 2 and 1 of four ranks, for example.
TEST(Session, IsDividedIntoGroups) {
  const int ranks = session().size(), rank = session().rank();
  const auto number_of = [](int of) { return (of + 1) / 2; };
  const std::unique_ptr<RankGroup> group = session().split(number_of(rank));
  std::vector<int> members;
  for (int other = 0; other < ranks; ++other)
    if (number_of(other) == number_of(rank)) members.push_back(other);
  ASSERT_EQ(group->size(), static_cast<int>(members.size()));
  EXPECT_EQ(group->first_rank(), members.front());
  EXPECT_EQ(group->first_rank() + group->rank(), rank);
  EXPECT_EQ(group->host(), session().host());

  const std::vector<std::string> texts = group->gather(std::to_string(rank));
  for (size_t i = 0; i < members.size(); ++i) EXPECT_EQ(texts[i], std::to_string(members[i]));

  // While the group's communicator works, that of the session works too.
  const std::unique_ptr<Communicator> inner = group->communicator();
  ASSERT_EQ(inner->size(), group->size());
  std::vector<double> sum(200'000, rank), of_all = sum;
  const View sums{sum.data(), DType::f64, {static_cast<int64_t>(sum.size())}};
  const View sums_of_all{of_all.data(), DType::f64, {static_cast<int64_t>(of_all.size())}};
  const auto outer = comm().start_all_reduce(sums_of_all);
  inner->all_reduce(sums);
  comm().wait(outer);
  EXPECT_EQ(sum[77], std::accumulate(members.begin(), members.end(), 0.0));
  EXPECT_EQ(of_all[77], ranks * (ranks - 1) / 2);
}

TEST(Session, IsTheOnlyOneOfAProcess) {
  EXPECT_THAT(message_of([] { MpiSession second(nullptr, nullptr); }), HasSubstr("second"));
}

TEST(Session, LeavesNoVariablesToItsChildren) {
  EXPECT_EQ(std::getenv("OMPI_MCA_pml"), nullptr);
  EXPECT_EQ(std::getenv("OMPI_MCA_ess_singleton_isolated"), nullptr);
}

}  // namespace
}  // namespace d2l
