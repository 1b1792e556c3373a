#pragma once

#include <string>

#include "framework/comm/mpi_session.h"
#include "launcher/devices.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// --plan: what the run would need, as text: memory, size of a checkpoint and of the run folder,
// steps, and the time of a step, of an epoch and of the run, also on other numbers of ranks.
// Computes a few steps and measures the network; writes nothing. docs/scaling.md describes the
// model. Collective; the text is rank 0's. Throws UsageError for a cross-validation, and if there
// is nothing from which the network of --plan-ranks is known.
std::string plan(Config config, const Machine& machine, const MpiSession& session);

}  // namespace d2l::launcher
