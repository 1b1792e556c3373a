#include "framework/launch/rank_printer.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "framework/base/error.h"

namespace d2l::launch {
namespace {

// Two files for each rank can be more than the usual limit.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void warn(const std::string& text) {
  std::fprintf(stderr, "d2l-launch: warning: %s: %s; the job goes on\n", text.c_str(),
               std::strerror(errno));
}

}  // namespace

RankPrinter::RankPrinter(bool prefix, std::filesystem::path logs)
    : prefix_(prefix), logs_(std::move(logs)) {
  if (!logs_.empty()) allow_many_files();
}

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
  for (const auto& [key, file] : files_)
    if (std::fflush(file) != 0) {
      give_up_logs();
      break;
    }
  if (closed_ || std::fflush(stdout) == 0) return;
  closed_ = true;
  warn("cannot write to standard output");
}

void RankPrinter::log(const OutputLine& line, bool errors) {
  std::FILE*& file = files_[{line.rank, errors}];
  if (file == nullptr) {
    const std::filesystem::path folder = logs_ / concat("rank.", line.rank);
    std::error_code error;  // then the file cannot be opened either
    std::filesystem::create_directories(folder, error);
    file = std::fopen((folder / (errors ? "stderr" : "stdout")).c_str(), "we");
    if (file == nullptr) {
      files_.erase({line.rank, errors});
      return give_up_logs();
    }
  }
  std::fwrite(line.text.data(), 1, line.text.size(), file);
  std::fputc('\n', file);
}

void RankPrinter::give_up_logs() {
  warn(concat("cannot write ", logs_.string()));
  for (const auto& [key, file] : files_) std::fclose(file);
  files_.clear();
  logs_.clear();
}

}  // namespace d2l::launch
