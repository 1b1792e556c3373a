#include <gmock/gmock.h>

#include <cstdlib>

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

TEST(Session, IsTheOnlyOneOfAProcess) {
  EXPECT_THAT(message_of([] { MpiSession second(nullptr, nullptr); }), HasSubstr("second"));
}

TEST(Session, LeavesNoVariablesToItsChildren) {
  EXPECT_EQ(std::getenv("OMPI_MCA_pml"), nullptr);
  EXPECT_EQ(std::getenv("OMPI_MCA_ess_singleton_isolated"), nullptr);
}

}  // namespace
}  // namespace d2l
