#include "tests/launcher/runs.h"

#include <fstream>

namespace d2l::test {

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words train_command(int ranks, const Words& options) {
  return on_ranks(ranks, Words{"d2l-train", "--data", "synthetic", "--threads", "1"} + options);
}

ProgramResult train(int ranks, const Words& options) {
  return run_program(train_command(ranks, options), 100);
}

std::vector<double> column(const std::filesystem::path& run, int number) {
  std::ifstream stream(run / "metrics.csv");
  std::string line;
  std::getline(stream, line);
  std::vector<double> result;
  while (std::getline(stream, line)) {
    size_t at = 0;
    for (int i = 0; i < number; ++i) at = line.find(',', at) + 1;
    if (at < line.size() && line[at] != ',') result.push_back(std::stod(line.substr(at)));
  }
  return result;
}

std::vector<double> losses(const std::filesystem::path& run) { return column(run, 3); }

}  // namespace d2l::test
