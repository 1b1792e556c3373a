#include "framework/train/record_file.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l {

RecordFile::RecordFile(std::filesystem::path path, int descriptor, int64_t bytes, Options options)
    : path_(std::move(path)),
      descriptor_(descriptor),
      bytes_(bytes),
      options_(std::move(options)) {}

RecordFile::~RecordFile() { ::close(descriptor_); }

bool RecordFile::append(std::string_view record) {
  const int error = write_all(descriptor_, record.data(), record.size());
  if (error == 0) {
    bytes_ += static_cast<int64_t>(record.size());
    return true;
  }
  // Removes a partly written record. If this fails too, readers find an incomplete one.
  [[maybe_unused]] const int result = ::ftruncate(descriptor_, bytes_);
  if (!std::exchange(warned_, true))
    options_.warn(concat("cannot write ", path_.string(), ": ", std::strerror(error), "; ",
                         options_.lost, " until it can be written again"));
  return false;
}

}  // namespace d2l
