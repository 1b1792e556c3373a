#include "tests/launcher/runs.h"

#include <fstream>

namespace d2l::test {

Words train_command(int ranks, const Words& options) {
  Words words = {"d2l-train", "--data", "synthetic", "--threads", "1"};
  words.insert(words.end(), options.begin(), options.end());
  return on_ranks(ranks, words);
}

ProgramResult train(int ranks, const Words& options) {
  return run_program(train_command(ranks, options), 100);
}

std::vector<double> losses(const std::filesystem::path& run) {
  std::ifstream stream(run / "metrics.csv");
  std::string line;
  std::getline(stream, line);
  std::vector<double> result;
  while (std::getline(stream, line)) {
    size_t at = 0;
    for (int column = 0; column < 3; ++column) at = line.find(',', at) + 1;
    if (line[at] != ',') result.push_back(std::stod(line.substr(at)));
  }
  return result;
}

}  // namespace d2l::test
