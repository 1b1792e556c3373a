#include "launcher/threads.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace d2l::launcher {
namespace {

using Variables = std::map<std::string, std::string>;

std::string chosen(int wanted, const ThreadLimits& limits, const Variables& variables = {}) {
  return to_string(choose_threads(wanted, limits, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  }));
}

constexpr ThreadLimits kAlone = {.own_cores = 8, .local_cores = 8};
constexpr ThreadLimits kOfFour = {.own_cores = 8, .local_cores = 8, .local_ranks = 4};

TEST(ChooseThreads, DividesTheCores) {
  EXPECT_EQ(chosen(0, kAlone), "8 threads (8 cores)");
  EXPECT_EQ(chosen(0, kOfFour), "2 threads (8 cores for 4 ranks)");
  EXPECT_EQ(chosen(0, {.own_cores = 1, .local_cores = 8, .local_ranks = 2}),
            "1 thread (8 cores for 2 ranks)");
  EXPECT_EQ(chosen(0, {.own_cores = 2, .local_cores = 2, .local_ranks = 3}),
            "1 thread (2 cores for 3 ranks)");
}

TEST(ChooseThreads, KeepsToQuotas) {
  const auto with = [](double quota) {
    ThreadLimits limits = kAlone;
    limits.quota = quota;
    return chosen(0, limits);
  };
  EXPECT_EQ(with(1), "1 thread (cgroup quota)");
  EXPECT_EQ(with(2.9), "2 threads (cgroup quota)");
  EXPECT_EQ(with(0.3), "1 thread (cgroup quota)");
  EXPECT_EQ(with(8), "8 threads (8 cores)");
}

TEST(ChooseThreads, FollowsTheEnvironment) {
  EXPECT_EQ(chosen(0, kAlone, {{"OMP_NUM_THREADS", "1"}}), "1 thread (OMP_NUM_THREADS)");
  EXPECT_EQ(chosen(0, kAlone, {{"OMP_NUM_THREADS", " 3 , 2"}}), "3 threads (OMP_NUM_THREADS)");
  EXPECT_EQ(chosen(0, kAlone, {{"OMP_THREAD_LIMIT", "2"}}), "2 threads (OMP_THREAD_LIMIT)");
  EXPECT_EQ(chosen(0, kAlone, {{"OMP_THREAD_LIMIT", "9"}}), "8 threads (8 cores)");
  EXPECT_EQ(chosen(0, kAlone, {{"OMP_NUM_THREADS", "4"}, {"OMP_THREAD_LIMIT", "3"}}),
            "3 threads (OMP_THREAD_LIMIT)");
  for (const char* nonsense : {"", "0", "-1", "many", "2x", "99999999999", ","})
    EXPECT_EQ(chosen(0, kAlone, {{"OMP_NUM_THREADS", nonsense}}), "8 threads (8 cores)")
        << nonsense;
}

TEST(ChooseThreads, TheOptionWins) {
  EXPECT_EQ(chosen(5, {.own_cores = 1, .quota = 1}, {{"OMP_NUM_THREADS", "2"}}),
            "5 threads (--threads)");
}

TEST(WarningAboutThreads, OfMoreThanThereIsRoomFor) {
  EXPECT_EQ(warning_about({2, "--threads"}, kOfFour), "");
  EXPECT_EQ(
      warning_about({3, "--threads"}, kOfFour),
      "3 threads (--threads) x 4 ranks on this host: more than the 8 cores available to them, "
      "which is slow");
  ThreadLimits limits = kOfFour;
  limits.quota = 1.5;
  EXPECT_EQ(warning_about({1, "cgroup quota"}, limits), "");
  EXPECT_EQ(warning_about({2, "OMP_NUM_THREADS"}, limits),
            "2 threads (OMP_NUM_THREADS) x 4 ranks on this host: more than the cgroup quota of 1.5 "
            "cores for each rank, which is slow");
  limits.quota = 0.5;
  EXPECT_EQ(warning_about({1, "cgroup quota"}, limits), "");
}

TEST(ChooseLoaderThreads, TakesTheCoresThatTheComputationLeavesFree) {
  const auto chosen = [](int computing, const ThreadLimits& limits) {
    return choose_loader_threads(std::nullopt, computing, 256, limits);
  };
  EXPECT_EQ(chosen(8, kAlone), 1);
  EXPECT_EQ(chosen(3, kAlone), 5);
  EXPECT_EQ(chosen(1, kOfFour), 1);
  EXPECT_EQ(chosen(9, kAlone), 1);
  EXPECT_EQ(chosen(1, {.own_cores = 64, .local_cores = 64, .local_ranks = 8}), 7);
  EXPECT_EQ(chosen(1, {.own_cores = 8, .local_cores = 8, .quota = 3.5}), 2);
  EXPECT_EQ(chosen(1, {.own_cores = 600, .local_cores = 600}), 256);
  EXPECT_EQ(choose_loader_threads(3, 8, 256, kAlone), 3);
}

}  // namespace
}  // namespace d2l::launcher
