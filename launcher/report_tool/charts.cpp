#include "launcher/report_tool/charts.h"

#include <algorithm>
#include <map>

#include "framework/base/text.h"
#include "launcher/report_tool/html.h"

namespace d2l::report_tool {
namespace {

constexpr const char *kLoss = "loss", *kTestLoss = "test_loss";
constexpr size_t kMostMarks = 200;  // of a run: saves beyond are left out

// Title and note of the diagrams for columns of metrics.csv.
struct Words {
  const char *title, *note = "";
};
const std::map<std::string, Words> kKnown = {
    {kLoss, {"Training loss", "of single steps"}},
    {kTestLoss, {"Test loss"}},
    {"test_accuracy", {"Test accuracy"}},
    {"test_top5", {"Test top-5 accuracy"}},
    {"test_rmse", {"Test RMSE", "smaller is better"}},
    {"test_mae", {"Test MAE", "smaller is better"}},
    {"test_log_rmse", {"Test RMSE of logarithms", "smaller is better"}},
    {"lr", {"Learning rate"}},
    {"examples_per_s", {"Samples per second", "all ranks, with waiting for data"}},
    {"data_wait_s", {"Waiting for data", "% of the time of rank 0"}},
    {"comm_wait_s", {"Waiting for other ranks", "% of the time of rank 0"}}};

bool is_evaluation(const std::string& column) { return column.starts_with("test_"); }

// The columns that have values in any run: the losses, then the metrics, then the rest.
std::vector<std::string> columns_of(const Runs& runs) {
  std::vector<std::string> columns = {kLoss, kTestLoss};
  for (const bool evaluations : {true, false})
    for (const Run& run : runs.runs)
      for (const Metrics::Column& column : run.metrics.columns)
        if (is_evaluation(column.name) == evaluations &&
            std::find(columns.begin(), columns.end(), column.name) == columns.end())
          columns.push_back(column.name);
  return columns;
}

void add_lines(Chart& chart, const Runs& runs, const std::string& column,
               const std::string& label = "") {
  for (size_t i = 0; i < runs.runs.size(); ++i)
    if (const Metrics::Column* found = runs.runs[i].metrics.column(column))
      chart.lines.push_back({.run = i,
                             .label = label.empty() ? runs.runs[i].name : label,
                             .curve = &found->drawn,
                             .has_dots = is_evaluation(column)});
}

constexpr int kOfCounts = 15;  // significant digits

std::string numbers(const std::vector<double>& values, int digits = 6) {
  std::string json;
  for (const double value : values) json += (json.empty() ? "" : ",") + json_number(value, digits);
  return "[" + json + "]";
}

std::string points_json(const Curve& curve) {
  return concat("\"steps\":", numbers(curve.steps, kOfCounts),
                ",\"values\":", numbers(curve.values));
}

// Events as marks on the curves; of many saves, evenly chosen ones. The saves of several runs would
// cover each other.
std::string marks_json(const Run& run, bool with_saves) {
  size_t saves = 0;
  for (const Event& event : run.history.events) saves += event.kind == Event::Kind::save ? 1 : 0;
  const size_t stride = saves / kMostMarks + 1;
  std::string json;
  size_t save = 0, others = 0;
  const auto add = [&](double step, const std::string& kind, const std::string& text) {
    json += concat(json.empty() ? "" : ",", "[", json_number(step, kOfCounts), ",", json_text(kind),
                   ",", json_text(text), "]");
  };
  for (const Event& event : run.history.events) {
    const bool is_save = event.kind == Event::Kind::save;
    if (event.is_superseded || event.kind == Event::Kind::start ||
        event.kind == Event::Kind::notice)
      continue;
    const bool is_early_end =
        event.kind == Event::Kind::end && &event != &run.history.events.back();
    if (is_early_end || (is_save && !with_saves)) continue;
    if (is_save ? save++ % stride != 0 : others++ >= kMostMarks) continue;
    add(static_cast<double>(event.step), word_of(event.kind), event.text);
  }
  if (const Metrics::Result* result = run.deciding())
    add(static_cast<double>(result->best_step), "best",
        concat("best test ", result->name, " ", rounded(result->best)));
  return "[" + json + "]";
}

std::string curve_table(const Chart& chart) {
  std::string rows =
      "<tr><th scope=\"col\">curve</th><th scope=\"col\">first</th><th "
      "scope=\"col\">lowest</th><th scope=\"col\">highest</th><th "
      "scope=\"col\">last</th></tr>\n";
  for (const Chart::Line& line : chart.lines) {
    const Drawn& drawn = *line.curve;
    const Curve& curve = drawn.extremes.empty() ? drawn.line : drawn.extremes;
    const std::vector<double>& values = curve.values;
    const auto at = [&](auto place) {
      const auto index = static_cast<size_t>(place - values.begin());
      return element(
          "td", "",
          concat(rounded(*place), " (step ", static_cast<int64_t>(curve.steps[index]), ")"));
    };
    rows += element("tr", "",
                    element("th", "scope=\"row\"", escaped(line.label)) + at(values.begin()) +
                        at(std::min_element(values.begin(), values.end())) +
                        at(std::max_element(values.begin(), values.end())) + at(values.end() - 1)) +
            "\n";
  }
  return table_element("Values of " + escaped(chart.title), rows);
}

}  // namespace

std::vector<Chart> charts_of(const Runs& runs) {
  std::vector<Chart> charts;
  const bool is_only = runs.runs.size() == 1;
  if (is_only) {
    Chart& losses = charts.emplace_back(Chart{.title = "Loss"});
    add_lines(losses, runs, kLoss, "training");
    add_lines(losses, runs, kTestLoss, "test");
  }
  for (const std::string& column : columns_of(runs)) {
    if (is_only && (column == kLoss || column == kTestLoss)) continue;
    const auto known = kKnown.find(column);
    Chart& chart = charts.emplace_back();
    chart.title = known != kKnown.end()   ? known->second.title
                  : is_evaluation(column) ? "Test " + column.substr(5)
                                          : column;
    if (known != kKnown.end()) chart.note = known->second.note;
    add_lines(chart, runs, column);
  }
  std::erase_if(charts, [](const Chart& chart) { return chart.lines.empty(); });
  return charts;
}

std::string charts_html(const std::vector<Chart>& charts) {
  std::string html;
  for (const Chart& chart : charts) {
    const std::string note =
        chart.note.empty() ? "" : " " + element("small", "", escaped(chart.note));
    html += element("figure", "",
                    "\n" + element("figcaption", "", escaped(chart.title) + note) + "\n" +
                        element("div", "class=\"plot\"", "") + "\n" +
                        element("details", "",
                                element("summary", "", "Values") + "\n" + curve_table(chart))) +
            "\n";
  }
  return html;
}

std::string charts_json(const Runs& runs, const std::vector<Chart>& charts) {
  std::string json = "{\"runs\":[";
  for (const Run& run : runs.runs) {
    const Metrics::Clock& clock = run.metrics.clock;
    json += concat(&run == runs.runs.data() ? "" : ",", "\n{\"name\":", json_text(run.name),
                   ",\"steps\":", numbers(clock.steps, kOfCounts),
                   ",\"samples\":", numbers(clock.samples, kOfCounts),
                   ",\"seconds\":", numbers(clock.seconds),
                   ",\"marks\":", marks_json(run, runs.runs.size() == 1), "}");
  }
  json += "],\n\"charts\":[";
  for (const Chart& chart : charts) {
    json += concat(&chart == charts.data() ? "" : ",", "\n{\"title\":", json_text(chart.title),
                   ",\"lines\":[");
    for (const Chart::Line& line : chart.lines)
      json +=
          concat(&line == chart.lines.data() ? "" : ",", "\n{\"run\":", line.run,
                 ",\"label\":", json_text(line.label),
                 ",\"dots\":", line.has_dots ? "true" : "false", ",", points_json(line.curve->line),
                 ",\"extremes\":{", points_json(line.curve->extremes), "}}");
    json += "]}";
  }
  return json + "]}";
}

}  // namespace d2l::report_tool
