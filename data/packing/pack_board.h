#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "data/packing/team.h"

namespace d2l::data {

// What the processes of a team tell each other while they work, through small files in a folder
// that all of them see. Nothing depends on it but how soon a process learns of an error of another
// one, and the progress that is shown.
class PackBoard {
 public:
  PackBoard(const PackTeam& team, std::filesystem::path folder);

  // Adds finished images. Now and then, calls `show` with the images that all processes have
  // finished; throws StoppedError if another process has failed.
  void add(int64_t images, const std::function<void(int64_t all)>& show);
  // Tells the others that this process has failed.
  void fail_all() noexcept;

 private:
  std::filesystem::path file_of(int rank) const;
  int64_t done_by_all() const;

  int rank_, size_;
  std::filesystem::path folder_;
  int64_t mine_ = 0;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace d2l::data
