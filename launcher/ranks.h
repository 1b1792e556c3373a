#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/comm/mpi_session.h"

namespace d2l::launcher {

// "rank 3 on node7: ", which begins what that rank alone has to say; "" in a job of one rank and
// for rank 0.
std::string name_of(const MpiSession& session);

// What ranks have to say, each line once: "4 ranks: TEXT", "3 of 4 ranks, first rank 1 on node7:
// TEXT", "rank 3 on node7: TEXT"; in a job of one rank just the text. `texts` are all ranks', each
// of some lines.
std::vector<std::string> said_once(const std::vector<std::string>& texts,
                                   const std::vector<std::string>& hosts);

// The same of this rank's text and those of the others. Every rank makes this call.
std::vector<std::string> say_together(const std::string& text, const MpiSession& session);

// Does what each rank does by itself, without waiting for others. Where that throws Error on any
// rank, all throw JobError instead. Every rank makes this call.
void together(const MpiSession& session, const std::function<void()>& action);

}  // namespace d2l::launcher
