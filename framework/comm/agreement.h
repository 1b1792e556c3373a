#pragma once

#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// Something on which all ranks of a job have to agree.
struct Fact {
  std::string name, value;  // "--optimizer", "sgd"
};
using Facts = std::vector<Fact>;

// Every rank makes this call. Returns if all have the same facts, which costs one exchange of a few
// bytes. Otherwise every rank throws the same JobError: one line with the first rank that differs
// from rank 0, its host, the first fact that differs with both values, and how many more
// differences there are. `host` is this rank's.
void check_agreement(const Facts& facts, Communicator& comm, const std::string& host);

}  // namespace d2l
