#include "data/fetch/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "data/fetch/sha256.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Kind = HttpOutcome::Kind;

constexpr uint64_t kStepForward = 64 * 1024;
constexpr milliseconds kSlice{50};  // of a pause

// An unfinished file. Destruction removes it if it is empty.
class PartFile {
 public:
  explicit PartFile(const fs::path& path)
      : path_(path), descriptor_(open_regular_file(path, O_RDWR | O_CREAT)) {}
  ~PartFile() {
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && status.st_size == 0) ::unlink(path_.c_str());
    ::close(descriptor_);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  int descriptor() const { return descriptor_; }
  const fs::path& path() const { return path_; }
  uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail_with(errno, "cannot read " + path_.string());
    return static_cast<uint64_t>(status.st_size);
  }
  void clear() const {
    if (::ftruncate(descriptor_, 0) != 0) fail_with(errno, "cannot write " + path_.string());
  }
  void sync() const {
    if (::fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP) return;
    fail_with(errno, concat("cannot sync ", path_.string(), " to disk"));
  }

 private:
  fs::path path_;
  int descriptor_;
};

// One file on its way from the mirrors.
class Download {
 public:
  Download(HttpClient& client, const PublishedFile& file, const fs::path& folder,
           const DownloadOptions& options)
      : client_(client),
        file_(file),
        options_(options),
        part_(folder / (file.name + ".part")),
        folder_(folder) {}

  fs::path run(std::vector<std::string>& mirrors) {
    if (part_.size() > file_.bytes) part_.clear();
    bool here = is_complete();
    for (size_t tried = 0; !here && tried < mirrors.size(); ++tried) {
      here = try_mirror(mirrors.front() + file_.name, tried + 1 < mirrors.size());
      if (!here) std::rotate(mirrors.begin(), mirrors.begin() + 1, mirrors.end());
    }
    check(here, "no mirror has delivered ", file_.name,
          "; download it by other means (docs/data.md), put it into ", folder_.string(),
          " and call this command again");
    part_.sync();
    return part_.path();
  }

 private:
  // A file of the right size but another digest is emptied, because nothing can be added to it.
  bool is_complete() {
    if (part_.size() != file_.bytes) return false;
    found_ = sha256_of(part_.path());
    if (found_ != file_.sha256) part_.clear();
    return found_ == file_.sha256;
  }

  bool try_mirror(const std::string& url, bool has_next) {
    const auto give_up = [&](const std::string& reason) {
      options_.warn(
          concat(public_url(url), ": ", reason, has_next ? "; trying the next mirror" : ""));
      return false;
    };
    bool all_from_here = part_.size() == 0;
    for (int failures = 0;;) {
      const uint64_t before = part_.size();
      const HttpOutcome outcome = continue_from(url);
      if (outcome.kind == Kind::stopped) stop();
      if (outcome.kind == Kind::refused) return give_up(outcome.reason);
      if (outcome.kind == Kind::complete) {
        if (is_complete()) return true;
        if (all_from_here)
          return give_up(concat("expected SHA-256 ", file_.sha256, ", found ", found_));
        options_.warn(concat(public_url(url), ": the digest is wrong after the file ",
                             part_.path().string(), " was continued; downloading all of it"));
        all_from_here = true;
        continue;
      }
      if (part_.size() >= before + kStepForward) failures = 0;
      if (++failures >= options_.attempts)
        return give_up(concat(outcome.reason, " (", failures, " attempts)"));
      if (outcome.kind == Kind::range_refused) {
        part_.clear();
        all_from_here = true;
        continue;
      }
      pause(url, outcome.reason, options_.first_pause * (1 << (failures - 1)));
    }
  }

  HttpOutcome continue_from(const std::string& url) {
    HttpRequest request{.url = url, .bytes = file_.bytes, .stall = options_.stall};
    request.go_on = [this](uint64_t have) {
      options_.progress(file_, have);
      return options_.go_on();
    };
    return client_.continue_file(request, part_.descriptor(), part_.path().string());
  }

  void pause(const std::string& url, const std::string& reason, milliseconds time) {
    options_.warn(concat(public_url(url), ": ", reason, "; trying again in ",
                         static_cast<double>(time.count()) / 1000, " s"));
    for (milliseconds left = time; left > milliseconds(0); left -= kSlice) {
      if (!options_.go_on()) stop();
      std::this_thread::sleep_for(std::min(left, kSlice));
    }
  }

  [[noreturn]] void stop() const {
    if (part_.size() == 0) fail("interrupted");
    fail("interrupted; the next call continues ", part_.path().string());
  }

  HttpClient& client_;
  const PublishedFile& file_;
  const DownloadOptions& options_;
  PartFile part_;
  fs::path folder_;
  std::string found_;  // the digest of the last complete file
};

}  // namespace

fs::path download_file(HttpClient& client, std::vector<std::string>& mirrors,
                       const PublishedFile& file, const fs::path& folder,
                       const DownloadOptions& options) {
  return Download(client, file, folder, options).run(mirrors);
}

}  // namespace d2l::data
