#include "launcher/report.h"

#include <cstdio>

#include "framework/base/text.h"
#include "launcher/loss_curve.h"

namespace d2l::launcher {
namespace {

// "cpu, 2 ranks x 1 thread", "2 GPUs"
std::string where_text(const Machine& machine) {
  const int ranks = machine.comm->size(), threads = machine.threads.count;
  if (machine.on_gpu()) return concat(ranks, ranks == 1 ? " GPU" : " GPUs");
  return concat("cpu, ", ranks, ranks == 1 ? " rank x " : " ranks x ", threads,
                threads == 1 ? " thread" : " threads");
}

}  // namespace

Progress::Form progress_form(const Config& config, const Terminal& terminal) {
  const ProgressChoice wanted = config.program.progress;
  if (wanted == ProgressChoice::off) return Progress::Form::off;
  const bool bar =
      wanted == ProgressChoice::bar || (wanted == ProgressChoice::automatic && terminal.redraws());
  return bar ? Progress::Form::bar : Progress::Form::lines;
}

std::string result_text(const TrainerReport& report, const std::vector<Metric>& metrics) {
  std::string text = "loss " + rounded(report.loss);
  for (size_t i = 0; i < metrics.size(); ++i)
    text += concat(", train ", metrics[i].label, " ", metrics[i].text(report.train[i]));
  if (report.test.empty()) return text + ", no test data";
  if (report.best && report.best->metric.name == loss_metric().name)
    text += ", test loss " + rounded(report.test_loss);
  for (size_t i = 0; i < metrics.size(); ++i)
    text += concat(", test ", metrics[i].label, " ", metrics[i].text(report.test[i]));
  return text;
}

std::string best_text(const Position::Best& best) {
  return concat("best test ", best.metric.label, " ", best.metric.text(best.value),
                best.metric.larger_is_better ? "" : " (smaller is better)",
                best.step < 0 ? "" : concat(", after step ", best.step));
}

void print_report(const TrainerReport& report, const std::vector<Metric>& metrics,
                  const Machine& machine, Log& log) {
  log.info(result_text(report, metrics));
  if (report.best) log.info(best_text(*report.best));
  log.info(fixed(report.compute_rate, 1), " examples/sec on ", where_text(machine),
           " (wall-clock with data: ", fixed(report.wall_rate, 1), "), ", report.data.text());
}

void print_curve(const TrainerReport& report, const Terminal& terminal) {
  if (report.losses.size() < 2) return;
  const std::string curve =
      loss_curve(report.losses, {.columns = terminal.columns(), .utf8 = locale_has_utf8()});
  if (!curve.empty()) std::printf("\n%s\n", curve.c_str());
}

}  // namespace d2l::launcher
