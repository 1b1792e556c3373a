#include "data/packing/file_items.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "data/formats/image.h"
#include "data/loading/sampler.h"
#include "data/packing/class_folders.h"
#include "data/packing/image_header.h"
#include "data/packing/list_file.h"
#include "data/packing/threads.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;
using Items = std::vector<PackItem>;

constexpr size_t kMostFolders = 64;  // inside of each other
constexpr uint64_t kMostListBytes = uint64_t{1} << 31;

// A regular file that is open for reading.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : path_(path), descriptor_(open_regular_file(path, O_RDONLY)) {
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0) size_ = static_cast<uint64_t>(status.st_size);
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  uint64_t size() const { return size_; }

  // The file's first bytes, at most `most`.
  std::vector<uint8_t> begin(uint64_t most) const {
    std::vector<uint8_t> bytes(std::min(most, size_));
    size_t done = 0;
    const int error = read_at(descriptor_, 0, bytes, done);
    if (error != 0) fail_with(error, "cannot read " + path_.string());
    check(done == bytes.size(), path_.string(), " became shorter while it was read");
    return bytes;
  }

 private:
  const fs::path& path_;
  int descriptor_;
  uint64_t size_ = 0;
};

// What inspection finds out about a file; copied between processes byte by byte.
struct Found {
  uint64_t bytes = 0;
  int32_t height = 0, width = 0, channels = 0;
  int32_t is_image = 0;
};

Found inspect(const fs::path& path) {
  Found found;
  PackItem item;
  try {
    const OpenFile file(path);
    item.bytes = file.size();
    std::vector<uint8_t> whole;
    const auto all = [&] {
      whole = file.begin(kMostImageBytes);
      return std::span<const uint8_t>(whole);
    };
    found.is_image = fill_header(file.begin(kHeaderBytes), all, item) ? 1 : 0;
  } catch (const Error&) {
    found.is_image = 1;  // the error is reported when the image is packed
  }
  found.bytes = item.bytes;
  found.height = item.height;
  found.width = item.width;
  found.channels = item.channels;
  return found;
}

// Lists regular files. Follows links, but not around in circles.
class FolderLister {
 public:
  std::vector<std::string> files;             // paths from the root
  int64_t hidden = 0;                         // skipped files and folders
  std::vector<std::string> empty, irregular;  // folders; neither files nor folders

  void list(const fs::path& folder, const std::string& prefix) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) fail_with(errno, "cannot read " + folder.string());
    const std::pair<dev_t, ino_t> me(status.st_dev, status.st_ino);
    check(std::find(around_.begin(), around_.end(), me) == around_.end(), folder.string(),
          ": expected a folder, found a link to a folder around it");
    check(around_.size() < kMostFolders, folder.string(), ": expected at most ", kMostFolders,
          " folders inside of each other");
    around_.push_back(me);
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    if (!error && entry == fs::directory_iterator() && !prefix.empty()) empty.push_back(prefix);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) add(*entry, prefix);
    check(!error, "cannot read ", folder.string(), ": ", error.message());
    around_.pop_back();
  }

 private:
  void add(const fs::directory_entry& entry, const std::string& prefix) {
    const std::string name = entry.path().filename().string();
    if (is_hidden(name)) {
      ++hidden;
      return;
    }
    std::error_code ignored;
    if (entry.is_directory(ignored))
      list(entry.path(), prefix + name + "/");
    else if (entry.is_regular_file(ignored) || entry.is_symlink(ignored))
      files.push_back(prefix + name);
    else
      irregular.push_back(prefix + name);
  }

  std::vector<std::pair<dev_t, ino_t>> around_;
};

// Notes about what a folder contains besides files.
std::vector<std::string> notes_of(const FolderLister& lister) {
  std::vector<std::string> notes;
  note_hidden(lister.hidden, notes);
  const auto note = [&](std::vector<std::string> names, const char* one, const char* several) {
    if (names.empty()) return;
    const std::string first = *std::min_element(names.begin(), names.end());
    notes.push_back(names.size() == 1 ? concat(first, one)
                                      : concat(with_thousands(static_cast<int64_t>(names.size())),
                                               several, ", for example ", first));
  };
  note(lister.empty, " is an empty folder", " folders are empty");
  note(lister.irregular, " is left out: it is no regular file",
       " entries are left out: they are no regular files");
  return notes;
}

// Several texts without zero bytes as one.
std::string in_one(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + '\0';
  return all;
}
std::vector<std::string> divided(const std::string& all) {
  std::vector<std::string> texts;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = all.find('\0', begin);
    texts.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  return texts;
}

std::string read_list(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  check(error || size <= kMostListBytes, path.string(), ": expected a list of at most ",
        human_bytes(kMostListBytes), ", found ", human_bytes(size));
  std::string text = read_text_file(path);
  check(text.find('\0') == std::string::npos, path.string(), ": expected text with a path and a ",
        "label on each line, or an archive (tar or zip), found other bytes");
  return text;
}

// Changes the paths of a list, which start at the list's folder, so that they start at `root`.
void start_at(const fs::path& root, const fs::path& list, Items& items) {
  if (items.empty() || list.parent_path() == root) return;
  const fs::path folder = fs::absolute(list.parent_path());
  for (PackItem& item : items) item.name = (folder / item.name).string();
}

}  // namespace

std::vector<uint8_t> read_image_file(const fs::path& path) {
  const OpenFile file(path);
  check(file.size() <= kMostImageBytes, path.string(), ": expected at most ",
        human_bytes(kMostImageBytes), ", found ", human_bytes(file.size()));
  return file.begin(kMostImageBytes);
}

std::vector<bool> inspect_files(const PackTeam& team, const fs::path& root, Items& items,
                                int threads) {
  const int64_t count = static_cast<int64_t>(items.size());
  const int64_t begin = share_begin(count, team.size, team.rank);
  const int64_t end = share_begin(count, team.size, team.rank + 1);
  const std::vector<std::string> parts = on_all(team, [&] {
    std::vector<Found> mine(static_cast<size_t>(end - begin));
    for_each_on_threads(end - begin, threads, [&](int64_t i) {
      mine[static_cast<size_t>(i)] = inspect(root / items[static_cast<size_t>(begin + i)].name);
    });
    return std::string(reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(Found));
  });
  std::vector<bool> is_image(items.size());
  size_t at = 0;
  for (const std::string& part : parts) {
    for (size_t byte = 0; byte < part.size(); byte += sizeof(Found), ++at) {
      Found found;
      std::memcpy(&found, part.data() + byte, sizeof found);
      PackItem& item = items[at];
      item.bytes = found.bytes;
      item.height = found.height;
      item.width = found.width;
      item.channels = found.channels;
      is_image[at] = found.is_image != 0;
    }
  }
  return is_image;
}

std::string FileSource::place_of(const PackItem& item) const {
  if (train_list_.empty()) return (root_ / item.name).string();
  return item.id > 0 ? concat(train_list_, ", line ", item.id, " (", item.name, ")")
                     : concat(test_list_, ", line ", -item.id, " (", item.name, ")");
}

void FileSource::visit(std::span<const PackItem> items, const Visitor& visitor,
                       const Problem& problem) const {
  for (size_t i = 0; i < items.size(); ++i) {
    std::vector<uint8_t> bytes;
    std::optional<Encoding> encoding;
    try {
      bytes = read_image_file(root_ / items[i].name);
      encoding = encoding_of(bytes);
    } catch (const Error& error) {
      // The caller names the file, too.
      std::string reason = error.what();
      const std::string path = (root_ / items[i].name).string();
      if (const size_t at = reason.find(path); at != std::string::npos)
        reason.replace(at, path.size(), "the file");
      problem(i, reason);
      continue;
    }
    if (encoding)
      visitor(i, {.encoding = *encoding, .bytes = bytes, .shape = {}, .label = 0});
    else
      problem(i, not_an_image(bytes));
  }
}

ListedImages list_images(const PackTeam& team, const fs::path& folder, int threads) {
  // One process lists the files: all of them must see the same ones.
  const std::string listed = on_first(team, [&] {
    FolderLister lister;
    lister.list(folder, "");
    const std::vector<std::string> notes = notes_of(lister);
    return std::to_string(notes.size()) + '\0' + in_one(notes) + in_one(lister.files);
  });
  std::vector<std::string> names = divided(listed);
  const auto begin = names.begin() + 1, files = begin + std::stoll(names[0]);
  ListedImages result;
  result.notes.assign(begin, files);
  Items items(static_cast<size_t>(names.end() - files));
  for (size_t i = 0; i < items.size(); ++i)
    items[i].name = std::move(files[static_cast<ptrdiff_t>(i)]);
  const std::vector<bool> is_image = inspect_files(team, folder, items, threads);
  Items others;
  for (size_t i = 0; i < items.size(); ++i)
    (is_image[i] || has_image_name(items[i].name) ? result.images : others)
        .push_back(std::move(items[i]));
  note_others(others, result.notes);
  return result;
}

std::unique_ptr<PackSource> open_image_folder(const PackTeam& team, const fs::path& root,
                                              int threads) {
  ListedImages listed = list_images(team, root, threads);
  SourceContent content = content_of_class_folders(std::move(listed.images), root.string());
  content.info.name = name_from_path(root);
  content.notes.insert(content.notes.begin(), listed.notes.begin(), listed.notes.end());
  return std::make_unique<FileSource>(root, std::move(content));
}

std::unique_ptr<PackSource> open_list(const PackTeam& team, const fs::path& train,
                                      const fs::path& test, int threads) {
  Lists lists;
  lists.train_name = train.string();
  lists.test_name = test.string();
  lists.train = parse_list(on_first(team, [&] { return read_list(train); }), train.string());
  if (!test.empty())
    lists.test = parse_list(on_first(team, [&] { return read_list(test); }), test.string());
  SourceContent content = content_of_lists(lists);
  content.info.name = name_from_path(train);
  start_at(train.parent_path(), test, content.test);
  inspect_files(team, train.parent_path(), content.train, threads);
  inspect_files(team, train.parent_path(), content.test, threads);
  for (PackItem& item : content.test) item.id = -item.id;
  return std::make_unique<FileSource>(train.parent_path(), std::move(content), train.string(),
                                      test.string());
}

}  // namespace d2l::data
