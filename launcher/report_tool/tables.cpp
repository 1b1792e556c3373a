#include "launcher/report_tool/tables.h"

#include <cmath>
#include <utility>
#include <vector>

#include "framework/base/text.h"
#include "launcher/options/options.h"
#include "launcher/report_tool/html.h"

namespace d2l::report_tool {
namespace {

constexpr size_t kMostEvents = 500;    // of a run
constexpr size_t kMostSlowRanks = 10;  // of a run
constexpr size_t kLongCell = 64;       // bytes

using Cells = std::vector<std::string>;

// Whether it needs more than one line in a cell.
bool is_long(const std::string& text) { return text.size() > kLongCell; }

// The cells are HTML. The first is the heading of the row.
std::string row_element(const Cells& cells, bool is_head = false) {
  std::string row;
  for (size_t i = 0; i < cells.size(); ++i)
    row += is_head  ? element("th", "scope=\"col\"", cells[i])
           : i == 0 ? element("th", "scope=\"row\"", cells[i])
                    : element("td", is_long(cells[i]) ? "class=\"text\"" : "", cells[i]);
  return element("tr", "", row) + "\n";
}

std::string result_text(const Metrics::Result& result, double value) {
  return result.name + " " + rounded(value);
}

// The last start of the run that log.txt tells of.
const launcher::JobStart* last_start(const Run& run) {
  return run.history.jobs.empty() ? nullptr : &run.history.jobs.back().start;
}

std::string device_text(const Run& run) {
  const launcher::JobStart* start = last_start(run);
  return start == nullptr ? "" : start->device + "; " + start->threads;
}

// "2", or "2, 4" if later jobs had other numbers.
std::string ranks_text(const Run& run) {
  std::string text;
  int64_t before = 0;
  for (const History::Job& job : run.history.jobs) {
    if (job.start.ranks != before) text += concat(text.empty() ? "" : ", then ", job.start.ranks);
    before = job.start.ranks;
  }
  return text;
}

std::string data_text(const Run& run) {
  if (const launcher::JobStart* start = last_start(run)) return start->data + ", " + start->samples;
  return run.config ? run.config->data.name : "";
}

std::string model_text(const Run& run) {
  if (const launcher::JobStart* start = last_start(run))
    return start->model + ", " + start->parameters;
  return run.config ? run.config->model.name : "";
}

std::string best_text(const Run& run) {
  const Metrics::Result* result = run.deciding();
  return result == nullptr
             ? ""
             : concat(result_text(*result, result->best), " (step ", result->best_step, ")");
}

std::string last_text(const Run& run) {
  std::string text;
  for (const Metrics::Result& result : run.metrics.results)
    text += (text.empty() ? "" : ", ") + result_text(result, result.last);
  return text;
}

using Column = std::pair<const char*, std::string (*)(const Run&)>;

const std::vector<Column>& run_columns() {
  static const std::vector<Column> kColumns = {
      {"end", [](const Run& run) { return run.end(); }},
      {"best test result", best_text},
      {"last test results", last_text},
      {"last training loss",
       [](const Run& run) {
         return std::isfinite(run.metrics.last_loss) ? rounded(run.metrics.last_loss) : "";
       }},
      {"steps",
       [](const Run& run) {
         return run.metrics.lines == 0 ? "no metrics yet" : with_thousands(run.metrics.last_step);
       }},
      {"epochs", [](const Run& run) { return run.history.epochs; }},
      {"time of all jobs",
       [](const Run& run) {
         return run.history.jobs.empty() ? "" : human_seconds(run.history.seconds());
       }},
      {"samples/s",
       [](const Run& run) {
         return run.metrics.examples_per_s > 0 ? fixed(run.metrics.examples_per_s, 0) : "";
       }},
      {"ranks", ranks_text},
      {"model", model_text},
      {"data", data_text},
      {"recipe", [](const Run& run) { return run.config ? run.config->model.recipe : ""; }},
      {"precision",
       [](const Run& run) {
         return run.config ? launcher::word_of(run.config->training.precision) : "";
       }},
      {"a rank's device", device_text}};
  return kColumns;
}

std::string option_value(const launcher::Option& option, const Run& run) {
  return run.config ? option.member->text(*run.config) : "";
}

bool differs(const launcher::Option& option, const std::vector<Run>& runs) {
  if (!option.is_kept() || !option.is_flag) return false;
  const launcher::Config* first = nullptr;
  for (const Run& run : runs) {
    if (!run.config) continue;
    if (first != nullptr && !option.member->same(*first, *run.config)) return true;
    first = &*run.config;
  }
  return runs.size() == 1 && first != nullptr && !option.is_default(*first);
}

// "" if log.txt does not compare the ranks.
std::string slow_ranks_table(const Run& run) {
  const SlowestRanks& ranks = run.history.slowest_ranks;
  if (ranks.comparisons() == 0) return "";
  std::string rows = row_element({"rank", "was the slowest", "its time per step",
                                  "of it waiting for data", "median of the ranks", "times as long"},
                                 true);
  size_t shown = 0;
  for (const SlowestRanks::Entry& entry : ranks.entries()) {
    if (shown++ == kMostSlowRanks) break;
    const auto average = [&](double sum) {
      return fixed(sum / static_cast<double>(entry.times), 1) + " ms";
    };
    rows += row_element(
        {escaped(entry.rank),
         concat(with_thousands(entry.times), " of ", with_thousands(ranks.comparisons()), " times"),
         average(entry.step), average(entry.data), average(entry.median),
         entry.median > 0 ? fixed(entry.step / entry.median, 2) : ""});
  }
  return table_element("Slowest ranks of " + escaped(run.name), rows);
}

std::string events_table(const Run& run) {
  std::string rows = row_element({"time", "after step", "what", "line of log.txt"}, true);
  size_t shown = 0, saves = 0, left_out = 0;
  for (const Event& event : run.history.events) {
    if (event.kind == Event::Kind::save && ++saves > 0) continue;
    if (shown == kMostEvents && ++left_out > 0) continue;
    ++shown;
    const std::string kind = word_of(event.kind);
    rows += element("tr", "class=\"" + kind + "\"",
                    element("th", "scope=\"row\"", escaped(event.time)) +
                        element("td", "", with_thousands(event.step)) + element("td", "", kind) +
                        element("td", "class=\"text\"", escaped(event.text))) +
            "\n";
  }
  std::string more;
  if (saves > 0)
    more += concat("Checkpoints saved: ", with_thousands(static_cast<int64_t>(saves)), ". ");
  if (left_out > 0)
    more += concat("log.txt has ", with_thousands(static_cast<int64_t>(left_out)), " more events.");
  return table_element("Events of " + escaped(run.name), rows) +
         (more.empty() ? "" : element("p", "", more) + "\n");
}

}  // namespace

std::string runs_table(const Runs& runs) {
  Cells head = {"run"};
  for (const Column& column : run_columns()) head.emplace_back(column.first);
  std::string rows = row_element(head, true);
  for (const Run& run : runs.runs) {
    Cells cells = {escaped(run.name)};
    for (const Column& column : run_columns()) cells.push_back(escaped(column.second(run)));
    rows += row_element(cells);
  }
  return table_element("Runs", rows);
}

std::string options_table(const Runs& runs) {
  const bool is_only = runs.runs.size() == 1;
  Cells head = {"run"};
  std::vector<const launcher::Option*> shown;
  for (const launcher::Option& option : launcher::options()) {
    if (!differs(option, runs.runs)) continue;
    shown.push_back(&option);
    head.push_back("--" + option.name);
  }
  const std::string caption =
      is_only ? "Options that differ from the defaults" : "Options that differ between the runs";
  if (shown.empty()) return element("p", "", caption + ": none.") + "\n";
  std::string rows = row_element(head, true);
  for (const Run& run : runs.runs) {
    Cells cells = {escaped(run.name)};
    for (const launcher::Option* option : shown)
      cells.push_back(escaped(option_value(*option, run)));
    rows += row_element(cells);
  }
  return table_element(caption, rows);
}

std::string folds_tables(const Runs& runs) {
  std::string html;
  for (const FoldsTable& folds : runs.folds) {
    std::string rows;
    for (const Cells& row : folds.rows) {
      Cells cells;
      for (const std::string& cell : row) cells.push_back(escaped(cell));
      rows += row_element(cells, rows.empty());
    }
    html += table_element("Cross-validation in " + escaped(folds.name), rows);
  }
  return html;
}

std::string events_lists(const Runs& runs) {
  std::string html;
  for (const Run& run : runs.runs) {
    std::string content = element("summary", "", escaped(run.name) + ": " + escaped(run.end()));
    std::string problems;
    for (const std::string& problem : run.problems) problems += element("li", "", escaped(problem));
    if (!problems.empty()) content += element("ul", "class=\"problems\"", problems) + "\n";
    if (!run.history.events.empty()) content += "\n" + events_table(run);
    content += slow_ranks_table(run);
    html +=
        element("details", runs.runs.size() == 1 || !problems.empty() ? "open=\"\"" : "", content) +
        "\n";
  }
  return html;
}

}  // namespace d2l::report_tool
