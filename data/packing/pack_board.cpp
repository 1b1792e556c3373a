#include "data/packing/pack_board.h"

#include <fstream>
#include <utility>

#include "data/packing/stopped_error.h"

namespace d2l::data {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetween{200};
constexpr const char* kFailed = "failed";  // the name of a file

}  // namespace

PackBoard::PackBoard(const PackTeam& team, std::filesystem::path folder)
    : rank_(team.rank), size_(team.size), folder_(std::move(folder)), last_(Clock::now()) {}

std::filesystem::path PackBoard::file_of(int rank) const {
  return folder_ / ("done-" + std::to_string(rank));
}

int64_t PackBoard::done_by_all() const {
  int64_t all = mine_;
  for (int rank = 0; rank < size_; ++rank) {
    int64_t done = 0;
    if (rank != rank_ && std::ifstream(file_of(rank)) >> done) all += done;
  }
  return all;
}

void PackBoard::add(int64_t images, const std::function<void(int64_t all)>& show) {
  mine_ += images;
  const Clock::time_point now = Clock::now();
  if (now - last_ < kBetween) return;
  last_ = now;
  if (size_ > 1) {
    std::ofstream(file_of(rank_), std::ios::trunc) << mine_ << "\n";
    std::error_code ignored;
    if (std::filesystem::exists(folder_ / kFailed, ignored)) throw StoppedError();
  }
  show(done_by_all());
}

void PackBoard::fail_all() noexcept {
  if (size_ > 1) std::ofstream(folder_ / kFailed, std::ios::app) << rank_ << "\n";
}

}  // namespace d2l::data
