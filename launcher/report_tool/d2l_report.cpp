// d2l-report: run folders -> one HTML page.

#include <csignal>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/path_text.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "launcher/data_tool/arguments.h"
#include "launcher/report_tool/page.h"
#include "launcher/report_tool/run.h"

namespace d2l::report_tool {
namespace {

namespace po = boost::program_options;

constexpr const char* kUsage =
    "d2l-report: shows runs of d2l-train as an HTML page\n"
    "\n"
    "Usage:\n"
    "  d2l-report RUN... [--out FILE.html]\n"
    "\n"
    "RUN is the run folder of d2l-train, also of a run that is not finished, or the folder of a\n"
    "cross-validation. The page has the curves, the results, the options that differ and the\n"
    "events of the runs. It is one file that needs no network.\n"
    "\n"
    "Examples:\n"
    "  d2l-report runs/a\n"
    "  d2l-report runs/* --out comparison.html\n"
    "\n";

constexpr const char* kExitCodes =
    "\nExit codes: 0 the page is written, 1 failure, for example no such run, 2 wrong usage.\n";

data_tool::OptionList option_list() {
  data_tool::OptionList options = data_tool::option_list();
  auto add = options.add_options();
  add("out", po::value<std::string>()->value_name("FILE.html")->default_value("report.html", ""),
      "the page to write; an existing one is replaced (default report.html)");
  add("help,h", "show this help and exit");
  add("version", "show the version and exit");
  return options;
}

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%F %H:%M", &parts);
  return text;
}

void run(const data_tool::Words& words) {
  const data_tool::OptionValues values = data_tool::parse(option_list(), words, "path");
  if (values.count("help") != 0) {
    std::cout << kUsage << option_list() << kExitCodes;
    return;
  }
  if (values.count("path") == 0) throw UsageError("expected run folders, found none");
  data_tool::Words paths = values["path"].as<data_tool::Words>();
  for (std::string& path : paths) path = expand_home("a path", path);
  const std::string out = data_tool::required_path(values, "out");
  if (!out.ends_with(".html"))
    throw UsageError("--out: expected the name of an HTML file, such as report.html, found " + out);
  const Runs runs = read_runs(paths, [](const std::string& message) {
    std::cerr << "warning: " << visible(message) << '\n';
  });
  const std::string text = page(runs, "made by d2l-report on " + time_text());
  write_text_file(out, text);
  const size_t count = runs.runs.size();
  std::cout << visible(out) << ": " << count << (count == 1 ? " run, " : " runs, ")
            << human_bytes(text.size()) << std::endl;
}

int main_of(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes beyond the file size limit then return an error
  if (asks_for_version(argc, argv)) {
    std::cout << version_text();
    return 0;
  }
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const UsageError& error) {
    std::cerr << "d2l-report: error: " << error.what() << " (d2l-report --help shows the usage)\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "d2l-report: error: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace
}  // namespace d2l::report_tool

int main(int argc, char** argv) { return d2l::report_tool::main_of(argc, argv); }
