#include "framework/launch/rank_printer.h"

#include <cerrno>
#include <cstring>

#include "framework/base/error.h"

namespace d2l::launch {

RankPrinter::~RankPrinter() {
  for (const auto& [key, file] : files_) std::fclose(file);
}

void RankPrinter::print(const OutputLine& line, std::FILE* stream) {
  if (!logs_.empty() && line.rank != kNoRank) log(line, stream == stderr);
  if (closed_ && stream == stdout) return;
  if (prefix_ && line.rank != kNoRank) std::fprintf(stream, "[%d] ", line.rank);
  std::fwrite(line.text.data(), 1, line.text.size(), stream);
  std::fputc('\n', stream);
}

void RankPrinter::flush() {
  std::fflush(stderr);
  for (const auto& [key, file] : files_) std::fflush(file);
  if (closed_ || std::fflush(stdout) == 0) return;
  closed_ = true;
  std::fprintf(stderr,
               "d2l-launch: warning: cannot write to standard output: %s; the job goes on\n",
               std::strerror(errno));
}

void RankPrinter::log(const OutputLine& line, bool errors) {
  std::FILE*& file = files_[{line.rank, errors}];
  if (file == nullptr) {
    const std::filesystem::path folder = logs_ / concat("rank.", line.rank);
    std::error_code error;  // then the file cannot be opened either
    std::filesystem::create_directories(folder, error);
    const std::filesystem::path path = folder / (errors ? "stderr" : "stdout");
    file = std::fopen(path.c_str(), "we");
    check(file != nullptr, "cannot write ", path.string(), ": ", std::strerror(errno));
  }
  std::fwrite(line.text.data(), 1, line.text.size(), file);
  std::fputc('\n', file);
}

}  // namespace d2l::launch
