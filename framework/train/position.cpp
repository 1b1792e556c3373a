#include "framework/train/position.h"

namespace d2l {

Position Position::at_start(const std::vector<Metric>& metrics, const std::string& best) {
  Position position;
  position.best.metric = deciding_metric(metrics, best);
  for (const Metric& metric : metrics) position.metrics.push_back({.metric = metric});
  return position;
}

void Position::end_epoch() {
  const auto samples = static_cast<double>(epoch_samples);
  train_loss = epoch_loss / samples;
  for (Known& known : metrics) {
    known.train = known.metric.of_average(known.sum / samples);
    known.sum = 0;
  }
  epoch += 1;
  step_in_epoch = 0;
  epoch_samples = 0;
  epoch_loss = 0;
}

bool Position::improves(double loss, const std::vector<double>& test) {
  const bool first = evaluated_step < 0;
  evaluated_step = step;
  test_loss = loss;
  for (size_t i = 0; i < metrics.size(); ++i) metrics[i].test = test[i];
  const double value = deciding_value();
  const bool better = best.metric.larger_is_better ? value > best.value : value < best.value;
  best.evaluations_since += 1;
  if (!first && !better) return false;
  best.value = value;
  best.step = step;
  best.evaluations_since = 0;
  return true;
}

double Position::deciding_value() const {
  for (const Known& known : metrics)
    if (known.metric.name == best.metric.name) return known.test;
  return test_loss;
}

double Position::loss_so_far() const {
  return epoch_samples > 0 ? epoch_loss / static_cast<double>(epoch_samples) : train_loss;
}

std::vector<double> Position::metrics_so_far() const {
  std::vector<double> values;
  for (const Known& known : metrics)
    values.push_back(epoch_samples > 0
                         ? known.metric.of_average(known.sum / static_cast<double>(epoch_samples))
                         : known.train);
  return values;
}

std::vector<double> Position::test_metrics() const {
  std::vector<double> values;
  for (const Known& known : metrics) values.push_back(known.test);
  return values;
}

void Position::visit(StateVisitor& visitor, Version version) {
  visitor.integer("progress/step", step);
  visitor.integer("progress/epoch", epoch);
  visitor.integer("progress/step_in_epoch", step_in_epoch);
  visitor.integer("progress/epoch_samples", epoch_samples);
  visitor.real("progress/epoch_loss", epoch_loss);
  visitor.real("progress/train_loss", train_loss);
  visitor.integer("progress/evaluated_step", evaluated_step);
  for (Known& known : metrics) {
    visitor.real("progress/epoch_" + known.metric.sum, known.sum);
    visitor.real("progress/train_" + known.metric.name, known.train);
    visitor.real("progress/test_" + known.metric.name, known.test);
  }
  visitor.real("progress/best_" + best.metric.name, best.value);
  if (version == Version::old) return;
  visitor.real("progress/test_loss", test_loss);
  visitor.integer("progress/best_step", best.step);
  visitor.integer("progress/evaluations_since_best", best.evaluations_since);
}

void Position::find_best_step() {
  if (evaluated_step >= 0 && deciding_value() == best.value) best.step = evaluated_step;
}

}  // namespace d2l
