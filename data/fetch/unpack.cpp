#include "data/fetch/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "data/fetch/sha256.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {

namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = size_t{1} << 20;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

[[noreturn]] void fail_to_read(const fs::path& path, archive* reader) {
  const char* reason = archive_error_string(reader);
  fail("cannot unpack ", path.string(), ": ", reason != nullptr ? reason : "libarchive fails");
}

Reader open_archive(const fs::path& path) {
  Reader reader(archive_read_new());
  check(reader != nullptr, "cannot start libarchive");
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 64 * 1024) != ARCHIVE_OK)
    fail_to_read(path, reader.get());
  return reader;
}

// A file that has no name yet. Destruction removes it unless it got one.
class NewFile {
 public:
  explicit NewFile(const fs::path& path)
      : path_(path),
        temporary_(unused_name_beside(path)),
        descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    check_written(descriptor_ < 0 ? errno : 0);
  }
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!named_) ::unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const fs::path& path() const { return path_; }
  void write(const void* bytes, size_t count) {
    check_written(write_all(descriptor_, bytes, count));
  }
  void finish() {
    const bool synced = ::fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP;
    check_written(synced ? 0 : errno);
    check_written(::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno);
  }
  void give_name() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      fail_with(errno, concat("cannot rename ", temporary_.string(), " to ", path_.string()));
    named_ = true;
  }

 private:
  void check_written(int error) const {
    if (error != 0) fail_with(error, concat("cannot write ", path_.string()));
  }

  fs::path path_, temporary_;
  int descriptor_;
  bool named_ = false;
};

// Copies the current file of the archive and checks it.
std::unique_ptr<NewFile> unpack_file(archive* reader, const fs::path& path,
                                     const PublishedFile& member, const UnpackOptions& options) {
  auto file = std::make_unique<NewFile>(path);
  Sha256 sha256;
  std::vector<char> block(kBlock);
  uint64_t bytes = 0;
  for (;;) {
    check(options.go_on(), "interrupted");
    const la_ssize_t count = archive_read_data(reader, block.data(), block.size());
    if (count < 0) fail_to_read(path, reader);
    if (count == 0) break;
    bytes += static_cast<uint64_t>(count);
    check(bytes <= member.bytes, path.string(), ": expected ", with_thousands(member.bytes),
          " bytes, the archive has more");
    file->write(block.data(), static_cast<size_t>(count));
    sha256.add(block.data(), static_cast<size_t>(count));
  }
  const std::string found = sha256.digest();
  check(found == member.sha256, path.string(), ": expected SHA-256 ", member.sha256, ", found ",
        found, " in the archive");
  file->finish();
  return file;
}

}  // namespace

void unpack_members(const fs::path& archive_path, const PublishedDataset& dataset,
                    const std::vector<PublishedFile>& members, const fs::path& folder,
                    const UnpackOptions& options) {
  const Reader reader = open_archive(archive_path);
  std::vector<PublishedFile> missing = members;
  std::vector<std::unique_ptr<NewFile>> files;
  while (!missing.empty()) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) break;
    if (code < ARCHIVE_WARN) fail_to_read(archive_path, reader.get());
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
    const auto wanted = std::find_if(missing.begin(), missing.end(), [&](const auto& member) {
      return dataset.folder_in_archive + member.name == name;
    });
    if (wanted == missing.end()) continue;
    files.push_back(unpack_file(reader.get(), folder / wanted->name, *wanted, options));
    missing.erase(wanted);
  }
  if (!missing.empty())
    fail(archive_path.string(), ": expected ", dataset.folder_in_archive, missing.front().name,
         ", which is not in the archive");
  options.before_rename();
  for (const auto& file : files) file->give_name();
  sync_folder(folder);
}

}  // namespace d2l::data
