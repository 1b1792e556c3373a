#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace d2l::examples {

// What an example is called with: PROGRAM [FOLDER [SEED]].
class Arguments {
 public:
  Arguments(int argc, char** argv)
      : folder_(argc > 1 ? argv[1] : "pictures"), seed_(argc > 2 ? std::stoull(argv[2]) : 0) {}

  // A file in the folder for results, which is pictures/ unless another one is named.
  std::filesystem::path file(const std::string& name) const {
    std::filesystem::create_directories(folder_);
    return folder_ / name;
  }
  uint64_t seed() const { return seed_; }

 private:
  std::filesystem::path folder_;
  uint64_t seed_;
};

}  // namespace d2l::examples
