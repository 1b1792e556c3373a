#include "framework/train/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "both formats are little-endian");

template <class Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// Of the protocol buffers' wire format: the fields of a message. `field`: its number.
std::string varint(uint64_t number) {
  std::string bytes;
  for (; number >= 128; number >>= 7) bytes += static_cast<char>(number | 128);
  return bytes + static_cast<char>(number);
}
std::string integer_field(unsigned field, int64_t value) {
  return varint(field << 3) + varint(static_cast<uint64_t>(value));
}
std::string double_field(unsigned field, double value) {
  return varint(field << 3 | 1) + bytes_of(value);
}
std::string float_field(unsigned field, float value) {
  return varint(field << 3 | 5) + bytes_of(value);
}
std::string bytes_field(unsigned field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}

// The checksum of TFRecords, masked since it may stand in data of which another one is computed.
uint32_t masked_crc(const std::string& bytes) {
  return std::rotr(crc32c(bytes.data(), bytes.size()), 15) + 0xa282ead8u;
}

std::string record(const std::string& data) {
  const std::string length = bytes_of(uint64_t{data.size()});
  return length + bytes_of(masked_crc(length)) + data + bytes_of(masked_crc(data));
}

// The record of an Event; `what`: its field with the content.
std::string event(int64_t step, const std::string& what) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return record(double_field(1, now.count()) + integer_field(2, step) + what);
}

std::string file_version() { return bytes_field(3, "brain.Event:2"); }

// TensorBoard drops the steps from the event's on that earlier files have.
std::string session_start() {
  constexpr int64_t kStart = 1;
  return bytes_field(7, integer_field(1, kStart));
}

std::string summary(const EventFile::Values& values) {
  std::string text;
  for (const auto& [tag, value] : values)
    text += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  return bytes_field(5, text);
}

// A name that sorts after those of earlier jobs, even if they began in the same second.
std::string next_name(const fs::path& folder) {
  constexpr const char* kPrefix = "events.out.tfevents.";
  std::string newest;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    newest = std::max(newest, entry.path().filename().string());
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  for (;; ++seconds) {
    std::string name = concat(kPrefix, seconds, ".", host.data());
    if (name > newest || !newest.starts_with(kPrefix)) return name;
  }
}

}  // namespace

EventFile::EventFile(fs::path folder, Options options)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      head_(event(0, file_version()) + event(options_.after_step + 1, session_start())) {}

void EventFile::add(int64_t step, const Values& values) {
  if (!make_file()) return;
  if (file_->append(head_ + event(step, summary(values)))) head_.clear();
}

bool EventFile::make_file() {
  if (file_) return true;
  try {
    fs::create_directories(folder_);
    const fs::path path = folder_ / next_name(folder_);
    file_.emplace(path, open_regular_file(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL), 0,
                  RecordFile::Options{.lost = "its events are lost", .warn = options_.warn});
    return true;
  } catch (const std::exception& error) {
    if (!std::exchange(warned_, true))
      options_.warn(concat("no events for TensorBoard until they can be written: ", error.what()));
    return false;
  }
}

}  // namespace d2l
