#pragma once

#include <optional>
#include <string>

#include "framework/checkpoint/snapshot.h"
#include "framework/comm/communicator.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/ema.h"
#include "framework/optim/optimizer.h"
#include "framework/tensor/batch.h"
#include "framework/train/loss_scale.h"
#include "framework/train/position.h"

namespace d2l {

// Everything that training changes: the content of a checkpoint. Equal on every rank, but an
// optimizer with shards has only its part of the state.
struct TrainingState {
  nn::ParameterSet& parameters;
  Optimizer& optimizer;
  Position position;
  std::optional<Ema> ema = {};               // averaged weights, used in evaluations
  std::optional<LossScale> loss_scale = {};  // with activations in f16

  void visit(StateVisitor& visitor);  // collective if the optimizer has shards
  // Collective: every rank calls it, only rank 0 gets a snapshot.
  std::optional<Snapshot> snapshot(Communicator& comm);
  // Loads a checkpoint's state. Every rank must pass the same snapshot. Throws Error, with `origin`
  // in the message, for a state that does not fit or that no training can produce, and UsageError
  // if another metric has decided which checkpoint is the best.
  void restore(const Snapshot& snapshot, const std::string& origin, const BatchSource& train_data);
  // Checksum of everything that a checkpoint would hold. Collective if the optimizer has shards.
  uint64_t checksum();

 private:
  void visit_all_but_scale(StateVisitor& visitor, Position::Version version);
};

}  // namespace d2l
