#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace d2l {

// A file to which records are appended, each completely or not at all. A record that cannot be
// written (disk full) is dropped; `warn` is called for the first such record only.
class RecordFile {
 public:
  struct Options {
    std::string lost;  // what is lost then: "its rows are lost"
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
  };

  // Owns the descriptor, which appends to a file of `bytes` bytes.
  RecordFile(std::filesystem::path path, int descriptor, int64_t bytes, Options options);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // Returns whether the record was written.
  bool append(std::string_view record);

 private:
  std::filesystem::path path_;
  int descriptor_;
  int64_t bytes_;  // of complete records
  Options options_;
  bool warned_ = false;
};

}  // namespace d2l
