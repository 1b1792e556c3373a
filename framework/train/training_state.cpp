#include "framework/train/training_state.h"

#include "framework/base/error.h"
#include "framework/train/state_limits.h"

namespace d2l {
namespace {

// Takes part in the collectives of a visit.
class Bystander final : public StateVisitor {
 public:
  void tensor(const std::string&, Tensor&) override {}
  void integer(const std::string&, int64_t&) override {}
  void optional_integer(const std::string&, int64_t&) override {}
  void real(const std::string&, double&) override {}
};

// Values of different metrics must not be compared.
void check_best_metric(const Snapshot& snapshot, const std::string& origin, const Position& of) {
  const std::string prefix = "progress/best_", expected = of.best.metric.name;
  if (snapshot.reals.contains(prefix + expected)) return;
  std::vector<Metric> possible = {loss_metric()};
  for (const Position::Known& known : of.metrics) possible.push_back(known.metric);
  for (const Metric& other : possible)
    if (snapshot.reals.contains(prefix + other.name))
      throw UsageError(concat(origin,
                              ": --best cannot change within a run: the best checkpoint is "
                              "that by ",
                              other.name, ", found --best ", expected));
}

}  // namespace

void TrainingState::visit(StateVisitor& visitor) {
  visit_all_but_scale(visitor, Position::Version::current);
  if (loss_scale) loss_scale->visit(visitor);
}

void TrainingState::visit_all_but_scale(StateVisitor& visitor, Position::Version version) {
  position.visit(visitor, version);
  parameters.visit(visitor);
  optimizer.visit(visitor);
  if (ema) ema->visit(visitor);
}

std::optional<Snapshot> TrainingState::snapshot(Communicator& comm) {
  if (comm.rank() != 0) {
    Bystander bystander;
    visit(bystander);
    return std::nullopt;
  }
  return take_snapshot([this](StateVisitor& visitor) { visit(visitor); });
}

void TrainingState::restore(const Snapshot& snapshot, const std::string& origin,
                            const BatchSource& train_data) {
  check_best_metric(snapshot, origin, position);
  check_state_limits(snapshot, origin, train_data, position);
  const auto version = snapshot.integers.contains("progress/best_step") ? Position::Version::current
                                                                        : Position::Version::old;
  LossScaleState not_needed;  // the run may continue in another precision
  const bool is_scaled = LossScaleState::is_in(snapshot);
  restore_snapshot(snapshot, origin, [&](StateVisitor& visitor) {
    visit_all_but_scale(visitor, version);
    if (is_scaled && loss_scale) loss_scale->visit(visitor);
    if (is_scaled && !loss_scale) not_needed.visit(visitor);
  });
  if (version == Position::Version::old) position.find_best_step();
}

uint64_t TrainingState::checksum() {
  return state_checksum([this](StateVisitor& visitor) { visit(visitor); });
}

}  // namespace d2l
