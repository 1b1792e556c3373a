#include "tests/data/sealed_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "framework/hdf5_reader/bytes.h"

namespace d2l::data::test {
namespace {

constexpr size_t kLongestPart = 6000;
const std::vector<std::string> kSignatures = {"OHDR", "OCHK", "BTHD", "BTLF", "BTIN",
                                              "FRHP", "FHIB", "FAHD", "FADB", "EAHD",
                                              "EAIB", "EASB", "EADB"};

uint32_t checksum_of(const std::vector<uint8_t>& bytes, size_t begin, size_t end) {
  return hdf5::lookup3(std::span(bytes).subspan(begin, end - begin));
}

uint32_t word_at(const std::vector<uint8_t>& bytes, size_t at) {
  uint32_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

}  // namespace

SealedFile::SealedFile(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
  parts_.push_back({"superblock", 0, 44, 44});
  add_parts();
}

void SealedFile::add_parts() {
  for (size_t at = 48; at + 8 < bytes_.size(); ++at) {
    const std::string here(reinterpret_cast<const char*>(bytes_.data() + at), 4);
    if (here == "FHDB") add_heap_block(at);
    if (std::find(kSignatures.begin(), kSignatures.end(), here) == kSignatures.end()) continue;
    if (!add_at_end(here, at, kLongestPart)) continue;
    at = parts_.back().checksum + 3;
    // Pages of 1,024 entries may follow.
    while ((here == "FADB" || here == "EADB") && add_at_end("page", at + 1, 1024 * 20))
      at = parts_.back().checksum + 3;
  }
}

bool SealedFile::add_at_end(const std::string& signature, size_t begin, size_t longest) {
  const size_t last = std::min(begin + longest, bytes_.size() - 4);
  for (size_t end = begin + 8; end <= last; ++end)
    if (checksum_of(bytes_, begin, end) == word_at(bytes_, end)) {
      parts_.push_back({signature, begin, end, end});
      return true;
    }
  return false;
}

void SealedFile::add_heap_block(size_t begin) {
  for (size_t checksum : {begin + 17, begin + 18})  // addresses in a heap have 4 or 5 bytes
    for (size_t size = 512; begin + size <= bytes_.size() && size <= 65536; size *= 2) {
      std::vector<uint8_t> block(bytes_.begin() + static_cast<ptrdiff_t>(begin),
                                 bytes_.begin() + static_cast<ptrdiff_t>(begin + size));
      std::fill_n(block.begin() + static_cast<ptrdiff_t>(checksum - begin), 4, uint8_t{0});
      if (hdf5::lookup3(block) != word_at(bytes_, checksum)) continue;
      parts_.push_back({"FHDB", begin, begin + size, checksum});
      return;
    }
}

size_t SealedFile::find(const std::string& signature, const std::string& pattern) const {
  for (const Part& part : parts_) {
    if (part.signature != signature) continue;
    const auto end = bytes_.begin() + static_cast<ptrdiff_t>(part.end);
    auto found =
        std::search(bytes_.begin() + static_cast<ptrdiff_t>(part.begin), end, pattern.begin(),
                    pattern.end(), [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
    if (found != end) return static_cast<size_t>(found - bytes_.begin());
  }
  ADD_FAILURE() << "no such bytes in " << signature;
  return 0;
}

void SealedFile::set_attribute(const std::string& name, int64_t value) {
  // after its name, its type (12 bytes) and its dataspace (4 bytes)
  const std::string text = name + '\0';
  const size_t at = find("FHDB", '\0' + text) + 1 + text.size() + 12 + 4;
  std::memcpy(bytes_.data() + at, &value, sizeof value);
}

void SealedFile::seal() {
  for (const Part& part : parts_) {
    if (part.checksum < part.end) std::memset(bytes_.data() + part.checksum, 0, 4);
    const uint32_t sum = checksum_of(bytes_, part.begin, part.end);
    std::memcpy(bytes_.data() + part.checksum, &sum, sizeof sum);
  }
}

}  // namespace d2l::data::test
