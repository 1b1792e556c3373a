#include "launcher/tasks.h"

#include <algorithm>

#include "framework/base/error.h"
#include "framework/base/terminal.h"
#include "framework/base/text.h"
#include "launcher/loss_curve.h"
#include "launcher/options/options.h"
#include "models/kernel_regression.h"

namespace d2l::launcher {
namespace {

// Chapter 10.2.
std::string attention_regression(const CommandLine& line, Backend& backend) {
  models::KernelRegressionOptions options{.seed = line.config.training.seed};
  if (line.given.count("lr")) options.lr = line.config.optimizer.lr;
  if (line.given.count("epochs")) options.epochs = line.config.training.epochs;
  if (options.epochs < 1)
    throw UsageError(concat("--epochs must be at least 1, found ", options.epochs));
  const models::KernelRegressionReport report = models::kernel_regression(backend, options);
  const CurveForm form = {
      .columns = std::min(62, Terminal::find().columns()), .height = 8, .utf8 = locale_has_utf8()};
  std::string text =
      concat("y = 2 sin x + x^.8 at x = 0, .1, ... 4.9\n", loss_curve(report.truth, form));
  text += concat("attention over ", options.samples, " samples with noise, w = 1\n",
                 loss_curve(report.fixed_curve, form));
  text += concat("attention with w = ", fixed(report.weight, 2), ", learned in ", options.epochs,
                 " epochs\n", loss_curve(report.learned_curve, form));
  return text + concat("mean squared error: average ", fixed(report.average, 3), ", w = 1 ",
                       fixed(report.fixed, 3), ", learned w ", fixed(report.learned, 3), "\n");
}

struct Task {
  const char* name;
  std::vector<std::string> options;  // that it has
  std::string (*run)(const CommandLine&, Backend&);
};

const std::vector<Task>& tasks() {
  static const std::vector<Task> kTable = {
      {"attention-regression", {"seed", "lr", "epochs"}, attention_regression},
  };
  return kTable;
}

const Task& find_task(const std::string& name) {
  for (const Task& task : tasks())
    if (name == task.name) return task;
  throw UsageError(unknown_name("task", name, task_names()));
}

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Task& task : tasks()) names.emplace_back(task.name);
  return names;
}

std::string run_task(const CommandLine& line) {
  const Task& task = find_task(line.config.program.task);
  for (const std::string& name : line.given) {
    const auto& known = task.options;
    if (name == "task" || name == "config") continue;
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(concat("--task ", task.name, " expects no other options than --",
                              join(known, ", --"), ", found --", name));
  }
  check_values(line.config);
  return task.run(line, *make_cpu_backend(1));
}

}  // namespace d2l::launcher
