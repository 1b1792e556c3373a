#pragma once

#include "framework/base/last_words.h"
#include "framework/comm/mpi_session.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// K-fold cross-validation: trains all folds and writes their results to kfold.csv in
// config.run.out. The ranks form as many groups as there are folds, or one for each rank if there
// are fewer ranks. Group g, from 0, trains the folds g + 1, g + 1 + groups and so on; each fold is
// a run in a folder of its own. When a cross-validation is resumed, folds that have begun continue,
// and the others begin. All ranks of the job make this call. Returns the exit code.
int train_folds(const Config& config, MpiSession& session, LastWords& last_words);

}  // namespace d2l::launcher
