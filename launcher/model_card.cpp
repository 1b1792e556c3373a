#include "launcher/model_card.h"

#include <algorithm>
#include <map>
#include <vector>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/dataset_text.h"
#include "launcher/export_weights.h"
#include "launcher/metrics_reader.h"
#include "launcher/options/options.h"
#include "launcher/run_log.h"
#include "launcher/stored_network.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostClasses = 20;                      // whose names are listed
constexpr std::string_view kSpecial = "\\`*_{}[]<>#|!";  // have a meaning in Markdown

// Any text, so that Markdown shows it as it is.
std::string plain(const std::string& text) {
  std::string escaped;
  for (const char c : visible(text)) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string code(std::string text) {
  std::replace(text.begin(), text.end(), '`', '\'');
  return "`" + visible(text) + "`";
}

std::string item(const std::string& name, const std::string& text) {
  return text.empty() ? "" : "- " + name + ": " + text + "\n";
}

std::string classes_text(const StoredNetwork& network) {
  const auto& names = network.data.class_names;
  if (!network.data.has_labels()) return "";
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(names.size(), kMostClasses); ++i)
    shown.push_back(plain(names[i]));
  const std::string more = names.size() > kMostClasses ? ", ..." : "";
  return std::to_string(network.classes()) +
         (shown.empty() ? "" : " (" + join(shown, ", ") + more + ")");
}

std::string network_part(const StoredNetwork& network) {
  const data::DatasetInfo& data = network.data;
  std::string targets;
  if (!data.has_labels()) {
    const data::TableForm form = network.table_form();
    targets = concat("a number; from ", form.target().least, " to ", form.target().largest,
                     " in the training data");
  }
  return "## Network\n\n" + item("network", code(network.config.model.name)) +
         item("parameters", with_thousands(network.parameter_count())) +
         item("input",
              sizes_text(network.input) +
                  (data.is_table() ? " values of a row" : " (height x width x channels)")) +
         item("classes", classes_text(network)) + item("output", targets) +
         item("weights", network.is_averaged ? "averages over the training (`--ema`)" : "");
}

std::string data_part(const StoredNetwork& network,
                      const std::map<std::string, std::string>& texts) {
  const auto fingerprint = texts.find("data");
  return "\n## Training data\n\n" + item("name", plain(network.data.name)) +
         item("content", fingerprint == texts.end() ? "" : plain(fingerprint->second));
}

// Options that say where files are or how the machine is used do not describe the training.
bool describes_training(const Option& option) {
  const auto is_one_of = [&](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), option.name) != names.end();
  };
  return option.is_kept() && option.is_flag && !option.is_path && option.group != "Machine" &&
         !is_one_of({"model", "recipe", "data", "data-dir", "weights"});
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// What d2l-train logs at the start of each job: data, ranks, threads and processor.
std::string jobs_text(const fs::path& run) {
  std::vector<std::string> jobs;
  if (is_there(run / "log.txt"))
    read_log(run / "log.txt", [&](const LogLine& line) {
      const std::string message(line.message);
      if (job_start(message) && std::find(jobs.begin(), jobs.end(), message) == jobs.end())
        jobs.push_back(message);
    });
  std::string text;
  for (const std::string& job : jobs) text += item("log", code(job));
  return text;
}

std::string training_part(const StoredNetwork& network, const fs::path& run) {
  const Config& config = network.config;
  std::vector<std::string> words;
  for (const Option& option : options())
    if (describes_training(option) && !option.is_default(config))
      words.push_back("--" + option.name + " '" + option.member->text(config) + "'");
  const std::string start = fs::path(config.model.weights).filename().string();
  return "\n## Training\n\n" +
         item("recipe", config.model.recipe.empty() ? "" : code(config.model.recipe)) +
         item("started from", start.empty() ? "" : code(start)) +
         item("options that differ from the defaults",
              words.empty() ? "none" : code(join(words, " "))) +
         item("steps", with_thousands(network.step)) + jobs_text(run);
}

// The evaluations of metrics.csv: the best, whose step is given, and the last.
std::string results_part(const fs::path& run, int64_t best_step) {
  if (!is_there(run / "metrics.csv")) return "";
  MetricsReader metrics(run / "metrics.csv");
  std::vector<size_t> results;  // columns
  std::string head, rule;
  for (size_t i = 0; i < metrics.names().size(); ++i) {
    const std::string name(metrics.names()[i]);
    if (name != "step" && !name.starts_with("test_")) continue;
    results.push_back(i);
    head += " " + plain(name) + " |";
    rule += " ---: |";
  }
  if (results.size() < 2) return "";
  std::string best, last;
  for (MetricsReader::Fields fields; metrics.next(fields);) {
    if (fields[results[1]].empty()) continue;  // a training line
    last.clear();
    for (const size_t i : results) last += " " + plain(std::string(fields[i])) + " |";
    if (fields[0] == std::to_string(best_step)) best = last;
  }
  if (last.empty()) return "";
  return "\n## Results\n\nOf metrics.csv, on the test data:\n\n| |" + head + "\n| --- |" + rule +
         "\n" + (best.empty() ? "" : "| best |" + best + "\n") + "| last |" + last + "\n";
}

std::string use_part(const StoredNetwork& network, const fs::path& run) {
  const bool is_table = network.data.is_table();
  std::map<std::string, std::string> metadata = network_metadata(network);
  std::string text = "\n## Use\n\n    d2l-predict " + visible(run.string()) +
                     (is_table ? " rows.csv\n" : " images/\n") +
                     "\nd2l-predict prepares its input as in the evaluations of the training";
  if (is_table) return text + ".\n";
  text += ":\n\n" + item("transform", code(metadata["eval_transform"]));
  const std::string mean = metadata["mean"], deviation = metadata["std"];
  return text + item("pixel values", mean.empty() ? "from 0 to 1"
                                                  : concat("from 0 to 1, then minus ", mean,
                                                           ", divided by ", deviation));
}

}  // namespace

std::string model_card(const fs::path& run,
                       const std::function<void(const std::string& message)>& warn) {
  check(fs::is_directory(run), run.string(), ": expected a run folder, found ",
        fs::exists(run) ? "a file" : "no such folder");
  ChosenCheckpoint chosen = choose_checkpoint({run, ""}, warn);
  const std::map<std::string, std::string> texts = chosen.found.snapshot.texts;
  const auto best = chosen.found.snapshot.integers.find("progress/best_step");
  const int64_t best_step = best == chosen.found.snapshot.integers.end() ? -1 : best->second;
  const StoredNetwork network = stored_network(std::move(chosen));
  return "# " + plain(network.config.model.name) + ", trained on " + plain(network.data.name) +
         "\n\nThe network of " + code(network.path.filename().string()) +
         (network.choice.empty() ? "" : " (" + network.choice + ")") + ".\n\n" +
         network_part(network) + data_part(network, texts) + training_part(network, run) +
         results_part(run, best_step) + use_part(network, run);
}

}  // namespace d2l::launcher
