#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

namespace d2l::examples {

// What an example is called with: PROGRAM [FOLDER [SEED]]. From now on, an error that nothing
// catches ends the program with one line.
class Arguments {
 public:
  Arguments(int argc, char** argv) : folder_(argc > 1 ? argv[1] : "pictures") {
    std::set_terminate(report);
    if (argc > 2) seed_ = std::stoull(argv[2]);
  }

  // A file in the folder for results, which is pictures/ unless another one is named.
  std::filesystem::path file(const std::string& name) const {
    std::filesystem::create_directories(folder_);
    return folder_ / name;
  }
  uint64_t seed() const { return seed_; }

 private:
  [[noreturn]] static void report() {
    try {
      std::rethrow_exception(std::current_exception());
    } catch (const std::exception& error) {
      std::fflush(stdout);
      std::fprintf(stderr, "error: %s\n", error.what());
    }
    std::_Exit(1);
  }

  std::filesystem::path folder_;
  uint64_t seed_ = 0;
};

}  // namespace d2l::examples
