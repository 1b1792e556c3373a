#include "data/packing/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstring>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;  // one read of the archive's file
constexpr size_t kFirstRead = size_t{1} << 14;   // of a file in it; then twice as much each time
constexpr size_t kMostNameBytes = 4096;

// libarchive converts names with the locale of the thread. Names are UTF-8 here, whatever the
// user's locale is.
class Utf8Names {
 public:
  Utf8Names() {
    static const locale_t kUtf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (kUtf8 != nullptr) before_ = ::uselocale(kUtf8);
  }
  ~Utf8Names() {
    if (before_ != nullptr) ::uselocale(before_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t before_ = nullptr;
};

// "./train//cats/1.jpg" -> "train/cats/1.jpg"
std::string plain_name(const std::string& archive, const std::string& name) {
  check(!name.starts_with('/'), archive, ": expected relative names, found ", name);
  check(name.size() <= kMostNameBytes, archive, ": expected names of at most ", kMostNameBytes,
        " bytes, found one of ", name.size(), ": ", name.substr(0, 80), "...");
  std::string plain;
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    check(part != "..", archive, ": expected names without '..', found ", name);
    if (!part.empty() && part != ".") plain += (plain.empty() ? "" : "/") + part;
    begin = end + 1;
  }
  return plain;
}

}  // namespace

bool is_archive(const std::filesystem::path& path) {
  std::array<char, 265> begin{};
  const int descriptor = open_regular_file(path, O_RDONLY);
  const ssize_t got = ::pread(descriptor, begin.data(), begin.size(), 0);
  ::close(descriptor);
  if (got <= 0) return false;
  const std::string_view text(begin.data(), static_cast<size_t>(got));
  for (const std::string_view magic :
       {std::string_view("\x1F\x8B"), std::string_view("BZh"),
        std::string_view("\xFD"
                         "7zXZ\0",
                         6),
        std::string_view("\x28\xB5\x2F\xFD"), std::string_view("PK\x03\x04"),
        std::string_view("PK\x05\x06")})
    if (text.starts_with(magic)) return true;
  return text.size() == begin.size() && text.substr(257, 5) == "ustar";
}

struct ArchiveReader::State {
  std::string path;
  int descriptor = -1;
  struct archive* archive = nullptr;
  struct archive_entry* entry = nullptr;
  std::string name;  // of the current entry
  int64_t entries = 0;

  // What libarchive says about the last error.
  std::string reason() const {
    const char* text = ::archive_error_string(archive);
    return text != nullptr ? text : "unknown error";
  }
};

ArchiveReader::ArchiveReader(const std::filesystem::path& path)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.path = path.string();
  state.descriptor = open_regular_file(path, O_RDONLY);
  state.archive = ::archive_read_new();
  struct archive* archive = state.archive;
  check(archive != nullptr, state.path, ": cannot start libarchive");
  // Each returns a warning if an external program would do the work: then it fails when it is used.
  for (const auto support :
       {::archive_read_support_filter_gzip, ::archive_read_support_filter_bzip2,
        ::archive_read_support_filter_xz, ::archive_read_support_filter_zstd,
        ::archive_read_support_format_tar, ::archive_read_support_format_zip})
    support(archive);
  const Utf8Names names;
  if (::archive_read_open_fd(archive, state.descriptor, kBlockBytes) != ARCHIVE_OK) {
    const std::string reason = state.reason();
    ::archive_read_free(archive);
    ::close(state.descriptor);
    fail(state.path, ": expected a tar or zip archive: ", reason);
  }
}

ArchiveReader::~ArchiveReader() {
  ::archive_read_free(state_->archive);
  ::close(state_->descriptor);
}

bool ArchiveReader::next(Entry& entry) {
  State& state = *state_;
  const Utf8Names names;
  while (true) {
    const int result = ::archive_read_next_header(state.archive, &state.entry);
    if (result == ARCHIVE_EOF) return false;
    check(result == ARCHIVE_OK || result == ARCHIVE_WARN, state.path, " is damaged after ",
          state.entries, " entries: ", state.reason());
    check(state.entries < kMostEntries, state.path, ": expected at most ", kMostEntries,
          " entries");
    entry.number = state.entries++;
    const bool links = ::archive_entry_filetype(state.entry) == AE_IFLNK ||
                       ::archive_entry_hardlink(state.entry) != nullptr;
    if (!links && ::archive_entry_filetype(state.entry) != AE_IFREG) continue;
    const char* name = ::archive_entry_pathname(state.entry);
    if (name == nullptr) name = ::archive_entry_pathname_utf8(state.entry);
    check(name != nullptr, state.path, ": the name of entry ", entry.number, " cannot be read");
    state.name = plain_name(state.path, name);
    entry.name = state.name;
    const int64_t size =
        ::archive_entry_size_is_set(state.entry) != 0 ? ::archive_entry_size(state.entry) : 0;
    entry.size = static_cast<uint64_t>(std::max<int64_t>(size, 0));
    entry.is_link = links;
    return true;
  }
}

void ArchiveReader::read(std::vector<uint8_t>& bytes, uint64_t most) {
  State& state = *state_;
  // Grows with what is there: the size that the archive says may be false.
  while (bytes.size() < most) {
    const size_t done = bytes.size();
    const uint64_t step = std::min<uint64_t>(most - done, std::max(done, kFirstRead));
    bytes.resize(done + step);
    const la_ssize_t got = ::archive_read_data(state.archive, bytes.data() + done, step);
    bytes.resize(done + static_cast<size_t>(std::max<la_ssize_t>(got, 0)));
    check(got >= 0, state.path, ", ", state.name, ": cannot be read: ", state.reason());
    if (got == 0) return;
  }
}

}  // namespace d2l::data
