#pragma once

#include "framework/comm/communicator.h"
#include "framework/optim/shards.h"

namespace d2l {

// Divides the parameters among the ranks along the buckets in which TrainingStep reduces the
// gradients. The communicator must outlive the result. The same on every rank that has the same
// number, whatever is frozen.
Shards make_shards(const nn::ParameterSet& parameters, Communicator& comm);

// From now on the shards use this communicator, which stands for the same ranks.
void exchange_through(Communicator& comm, Shards& shards);

}  // namespace d2l
