#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/comm/rank_group.h"

namespace d2l::launcher {

// "rank 3 on node7: ", the prefix of messages from that rank only; "" for the group's rank 0. Ranks
// are named by their numbers in the job.
std::string name_of(const RankGroup& group);

// Merges the messages of all ranks, each line once: "4 ranks: TEXT", "3 of 4 ranks, first rank 1 on
// node7: TEXT", "rank 3 on node7: TEXT"; only the text if there is one rank. `texts`: one per rank,
// each with any number of lines. `first_rank`: the number of the first one.
std::vector<std::string> merge_messages(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& hosts, int first_rank = 0);

// The same, after gathering the texts of all ranks. Collective.
std::vector<std::string> gather_messages(const std::string& text, const RankGroup& group);

// Runs `action` on each rank; it must not wait for other ranks. If it throws on any rank, all ranks
// of the group throw JobError. Collective.
void run_on_all_ranks(const RankGroup& group, const std::function<void()>& action);

}  // namespace d2l::launcher
