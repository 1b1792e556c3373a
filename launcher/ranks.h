#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/comm/mpi_session.h"

namespace d2l::launcher {

// "rank 3 on node7: ", the prefix of messages from that rank only; "" for rank 0.
std::string name_of(const MpiSession& session);

// Merges the messages of all ranks, each line once: "4 ranks: TEXT", "3 of 4 ranks, first rank 1 on
// node7: TEXT", "rank 3 on node7: TEXT"; only the text in a job of one rank. `texts`: one per rank,
// each with any number of lines.
std::vector<std::string> merge_messages(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& hosts);

// The same, after gathering the texts of all ranks. Collective.
std::vector<std::string> gather_messages(const std::string& text, const MpiSession& session);

// Runs `action` on each rank; it must not wait for other ranks. If it throws on any rank, all ranks
// throw JobError. Collective.
void run_on_all_ranks(const MpiSession& session, const std::function<void()>& action);

}  // namespace d2l::launcher
