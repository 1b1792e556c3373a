#include "data/fetch/fetch.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "framework/base/error.h"
#include "framework/base/path_text.h"
#include "framework/base/status_line.h"
#include "framework/base/terminal.h"
#include "framework/base/text.h"
#include "launcher/data_tool/commands.h"

namespace d2l::data_tool {

namespace {

namespace po = boost::program_options;
using data::PublishedDataset;
using data::PublishedFile;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenBars{100};

volatile std::sig_atomic_t interrupted = 0;

// Prints what happens: a line for each file, and on a terminal a bar for the current one.
class FetchReport {
 public:
  explicit FetchReport(const Terminal& terminal) : redraws_(terminal.redraws()), bar_(terminal) {}

  void say(const std::string& line) {
    bar_.clear();
    std::cout << line << std::endl;
  }
  void warn(const std::string& line) {
    bar_.clear();
    std::cerr << "d2l-data: warning: " << line << "\n";
  }
  void progress(const PublishedFile& file, uint64_t have) {
    if (!redraws_) return;
    const Clock::time_point now = Clock::now();
    if (file.name != name_ || have < first_) {  // a new file, or the same from its beginning
      name_ = file.name;
      first_ = have;
      begin_ = now;
    }
    if (bar_.is_shown() && now - last_ < kBetweenBars) return;
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = seconds > 0 ? static_cast<double>(have - first_) / seconds : 0;
    const double part = static_cast<double>(have) / static_cast<double>(file.bytes);
    std::string text =
        concat(file.name, " ", bar_text(part), " ", static_cast<int>(100 * part), "% of ",
               human_bytes(file.bytes), "  ", human_bytes(static_cast<uint64_t>(rate)), "/s");
    if (rate > 0) text += "  ETA " + remaining_text(static_cast<double>(file.bytes - have) / rate);
    bar_.show(text);
  }

 private:
  bool redraws_;
  StatusLine bar_;
  std::string name_;
  uint64_t first_ = 0;  // bytes that were there when this call began with the file
  Clock::time_point begin_, last_;
};

Words names_of_published() {
  Words names;
  for (const PublishedDataset& dataset : data::published_datasets()) names.push_back(dataset.name);
  return names;
}

const PublishedDataset& find_published(const std::string& name) {
  for (const PublishedDataset& dataset : data::published_datasets())
    if (dataset.name == name) return dataset;
  throw UsageError(unknown_name("dataset", name, names_of_published()));
}

OptionList fetch_options() {
  OptionList options = option_list();
  auto add = options.add_options();
  add("data-dir", po::value<std::string>()->value_name("DIR")->default_value(".", ""),
      "folder for datasets; the files are put into a subfolder with the name of the dataset "
      "(default .)");
  add("mirror", po::value<Words>()->value_name("URL")->composing(),
      "download URL/FILE instead of the file from its official source; several --mirror are tried "
      "in turn");
  add("help,h", "show this help and exit");
  return options;
}

std::string usage_text() {
  return "Usage: d2l-data fetch " + join(names_of_published(), "|") +
         " [--OPTION VALUE]...\n\n"
         "Downloads the original files of a dataset from their official source, or else from\n"
         "well-known mirrors, and compares their SHA-256 digests. Files that are there already\n"
         "are kept. An interrupted download is continued by the next call.\n"
         "$https_proxy and $http_proxy name a proxy, $SSL_CERT_FILE trusted certificates.\n\n";
}

std::string base_url(const std::string& url) {
  const bool has_scheme = url.starts_with("http://") || url.starts_with("https://");
  if (!has_scheme || url.find_first_of("?# ") != std::string::npos)
    throw UsageError("--mirror: expected the URL of a folder, https://... or http://..., found '" +
                     data::public_url(url) + "'");
  return url.ends_with("/") ? url : url + "/";
}

const PublishedDataset& wanted_dataset(const OptionValues& values) {
  const Words names = values.count("name") != 0 ? values["name"].as<Words>() : Words();
  if (names.empty())
    throw UsageError("fetch: the name of a dataset is missing: " +
                     join(names_of_published(), ", "));
  if (names.size() > 1)
    throw UsageError("fetch: expected the name of one dataset, found " + join(names, " "));
  return find_published(names.front());
}

}  // namespace

void fetch(const Words& words) {
  const OptionList described = fetch_options();
  const OptionValues values = parse(described, words, "name");
  if (values.count("help") != 0) return print_help(usage_text(), described);
  const PublishedDataset& dataset = wanted_dataset(values);
  const std::filesystem::path folder =
      std::filesystem::path(expand_home("--data-dir", values["data-dir"].as<std::string>())) /
      dataset.name;
  data::FetchOptions options;
  if (values.count("mirror") != 0)
    for (const std::string& url : values["mirror"].as<Words>())
      options.mirrors.push_back(base_url(url));

  FetchReport report(Terminal::find());
  options.say = [&](const std::string& line) { report.say(line); };
  options.download.warn = [&](const std::string& line) { report.warn(line); };
  options.download.progress = [&](const PublishedFile& file, uint64_t have) {
    report.progress(file, have);
  };
  options.download.go_on = [] { return interrupted == 0; };
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);  // a server that closes its connection
  data::fetch_dataset(dataset, folder, options);
}

}  // namespace d2l::data_tool
