#pragma once

#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// Something that every rank of a job has to have in common with the others.
struct Fact {
  std::string name, value;  // "--optimizer", "sgd"
};
using Facts = std::vector<Fact>;

// Returns where all ranks have the same facts. Otherwise throws JobError on every rank, with one
// line that names the first rank that differs from rank 0, its host and its first difference, on
// both sides, and how much else differs. Every rank makes this call; equal facts cost one exchange
// of a few bytes. `host` is this rank's.
void check_agreement(const Facts& facts, Communicator& comm, const std::string& host);

}  // namespace d2l
