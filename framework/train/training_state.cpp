#include "framework/train/training_state.h"

#include "framework/train/state_limits.h"

namespace d2l {

void TrainingState::visit(StateVisitor& visitor) {
  visit_all_but_scale(visitor);
  if (loss_scale) loss_scale->visit(visitor);
}

void TrainingState::visit_all_but_scale(StateVisitor& visitor) {
  position.visit(visitor);
  parameters.visit(visitor);
  optimizer.visit(visitor);
  if (ema) ema->visit(visitor);
}

std::optional<Snapshot> TrainingState::snapshot(Communicator& comm) {
  if (comm.rank() != 0) return std::nullopt;
  return take_snapshot([this](StateVisitor& visitor) { visit(visitor); });
}

void TrainingState::restore(const Snapshot& snapshot, const std::string& origin,
                            const BatchSource& train_data) {
  check_state_limits(snapshot, origin, train_data, position);
  LossScaleState not_needed;  // the run may continue in another precision
  const bool is_scaled = LossScaleState::is_in(snapshot);
  restore_snapshot(snapshot, origin, [&](StateVisitor& visitor) {
    visit_all_but_scale(visitor);
    if (is_scaled && loss_scale) loss_scale->visit(visitor);
    if (is_scaled && !loss_scale) not_needed.visit(visitor);
  });
}

uint64_t TrainingState::checksum() {
  return state_checksum([this](StateVisitor& visitor) { visit(visitor); });
}

}  // namespace d2l
