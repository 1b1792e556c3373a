#include "data/packing/archive_source.h"

#include <map>
#include <optional>
#include <unordered_map>

#include "data/formats/image.h"
#include "data/packing/archive.h"
#include "data/packing/class_folders.h"
#include "data/packing/image_header.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

// A file that is too large for an image ends up one byte longer than the limit.
constexpr uint64_t kMostRead = kMostImageBytes + 1;

class ArchiveSource final : public PackSource {
 public:
  ArchiveSource(fs::path path, SourceContent content, uint64_t memory)
      : PackSource(std::move(content)), path_(std::move(path)), memory_(memory) {}

  std::string place_of(const PackItem& item) const override {
    return path_.string() + ", " + item.name;
  }

  void visit(std::span<const PackItem> items, const Visitor& visitor,
             const Problem& problem) const override {
    Pass pass{items, visitor, problem};
    for (size_t i = 0; i < items.size(); ++i)
      check(pass.wanted.emplace(items[i].id, i).second, path_.string(), ": ", items[i].name,
            " is requested twice");
    while (pass.next < items.size()) read_once(pass);
  }

 private:
  // The items that are still to be visited, and those that were read before their turn.
  struct Pass {
    std::span<const PackItem> items;
    const Visitor& visitor;
    const Problem& problem;
    std::unordered_map<int64_t, size_t> wanted{};  // entry -> position
    size_t next = 0;                               // position
    std::map<size_t, Bytes> early{};
    uint64_t early_bytes = 0;
  };

  void read_once(Pass& pass) const {
    ArchiveReader reader(path_);
    ArchiveReader::Entry entry;
    const size_t before = pass.next;
    while (pass.next < pass.items.size() && reader.next(entry)) {
      const auto found = pass.wanted.find(entry.number);
      if (found == pass.wanted.end() || found->second < pass.next ||
          pass.early.count(found->second) > 0)
        continue;
      const size_t position = found->second;
      check(entry.name == pass.items[position].name, path_.string(),
            " changed while it was read: expected ", pass.items[position].name, ", found ",
            entry.name);
      if (position != pass.next && !has_room(pass, position, entry.size)) continue;
      Bytes bytes;
      reader.read(bytes, kMostRead);
      if (position == pass.next) {
        give(pass, bytes);
      } else {
        pass.early_bytes += bytes.size();
        pass.early.emplace(position, std::move(bytes));
        drop_last(pass, memory_);
      }
    }
    check(pass.next > before, path_.string(),
          " changed while it was read: ", pass.items[before].name, " is missing");
  }

  // Whether an image would stay in memory: there is room, or later ones can be dropped for it.
  bool has_room(const Pass& pass, size_t position, uint64_t size) const {
    return pass.early_bytes + size <= memory_ ||
           (!pass.early.empty() && pass.early.rbegin()->first > position);
  }

  static void drop_last(Pass& pass, uint64_t most) {
    while (pass.early_bytes > most) {
      const auto last = std::prev(pass.early.end());
      pass.early_bytes -= last->second.size();
      pass.early.erase(last);
    }
  }

  // Visits the next item, and those after it that were read early.
  static void give(Pass& pass, Bytes& bytes) {
    visit_one(pass, bytes);
    while (!pass.early.empty() && pass.early.begin()->first == pass.next) {
      Bytes kept = std::move(pass.early.begin()->second);
      pass.early.erase(pass.early.begin());
      pass.early_bytes -= kept.size();
      visit_one(pass, kept);
    }
  }

  static void visit_one(Pass& pass, const Bytes& bytes) {
    const size_t position = pass.next++;
    const std::optional<Encoding> encoding = encoding_of(bytes);
    if (bytes.size() > kMostImageBytes)
      pass.problem(position,
                   concat("expected at most ", human_bytes(kMostImageBytes), ", found more"));
    else if (!encoding)
      pass.problem(position, not_an_image(bytes));
    else
      pass.visitor(position, {.encoding = *encoding, .bytes = bytes, .shape = {}, .label = 0});
  }

  fs::path path_;
  uint64_t memory_;
};

}  // namespace

std::unique_ptr<PackSource> open_archive(const PackTeam& team, const fs::path& path,
                                         uint64_t memory) {
  std::vector<PackItem> images, others;
  int64_t hidden = 0, links = 0;
  on_all(team, [&] {
    ArchiveReader reader(path);
    ArchiveReader::Entry entry;
    Bytes bytes;
    while (reader.next(entry)) {
      if (has_hidden_part(entry.name)) {
        ++hidden;
        continue;
      }
      if (entry.is_link) {
        ++links;
        continue;
      }
      bytes.clear();
      reader.read(bytes, kHeaderBytes);
      PackItem item;
      item.name = entry.name;
      item.id = entry.number;
      item.bytes = entry.size;
      const size_t begin = bytes.size();
      const auto whole = [&] {
        reader.read(bytes, kMostImageBytes);
        return std::span<const uint8_t>(bytes);
      };
      // `bytes` may move when it grows.
      const Bytes first(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(begin));
      const bool is_image = fill_header(first, whole, item) || has_image_name(item.name);
      (is_image ? images : others).push_back(std::move(item));
    }
    return std::string();
  });
  std::vector<std::string> notes;
  note_hidden(hidden, notes);
  note_others(others, notes);
  if (links > 0)
    notes.push_back(
        concat(with_thousands(links), links == 1 ? " link is left out" : " links are left out"));
  SourceContent content = content_of_class_folders(std::move(images), path.string());
  content.info.name = name_from_path(path);
  content.notes.insert(content.notes.begin(), notes.begin(), notes.end());
  return std::make_unique<ArchiveSource>(path, std::move(content), memory);
}

}  // namespace d2l::data
