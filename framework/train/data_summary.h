#pragma once

#include <string>

#include "framework/comm/communicator.h"
#include "framework/tensor/batch.h"

namespace d2l {

// How the data of an epoch or a run arrived.
struct DataSummary {
  double waited = 0;   // seconds that the host waited for batches
  double seconds = 0;  // of these and of the steps
  Replaced replaced = {};

  // "waiting for data 2.5 %, 3 damaged samples were replaced"; the second part only if there are
  // any.
  std::string text() const;
  void add(const DataSummary& other);
};

// The sum over all ranks, with each problem once. Every rank makes this call.
DataSummary of_all_ranks(const DataSummary& mine, Communicator& comm);

}  // namespace d2l
