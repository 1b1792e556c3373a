#include "data/fetch/fetch.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <system_error>

#include "data/fetch/sha256.h"
#include "data/fetch/unpack.h"
#include "framework/base/error.h"
#include "framework/base/file_lock.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {

namespace {

namespace fs = std::filesystem;

// The folder for the files, locked. Destruction removes folders that were made and are empty.
class FetchFolder {
 public:
  FetchFolder(const fs::path& path, const std::function<void(const std::string&)>& warn)
      : path_(path), made_(make_writable_folder(path)) {
    try {
      FileLock::Options lock;
      lock.warn = warn;
      lock.lost = [this](const std::string&) { is_lost_ = true; };
      lock_ = std::make_unique<FileLock>(path / ".d2l-fetch.lock", lock);
    } catch (const Error& error) {
      remove_empty();
      fail("cannot download into ", path.string(), ": ", error.what());
    }
  }
  ~FetchFolder() {
    lock_.reset();
    remove_empty();
  }
  FetchFolder(const FetchFolder&) = delete;
  FetchFolder& operator=(const FetchFolder&) = delete;

  const fs::path& path() const { return path_; }
  // Whether another process has taken over the lock because it considered this one dead.
  bool is_lost() const { return is_lost_; }
  // Throws Error if the lock is lost.
  void check_held() { lock_->check_held(); }

 private:
  void remove_empty() const {
    for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder)
      ::rmdir(folder->c_str());  // fails if it is not empty
  }

  fs::path path_;
  std::vector<fs::path> made_;
  std::atomic<bool> is_lost_ = false;
  std::unique_ptr<FileLock> lock_;
};

class Fetch {
 public:
  Fetch(const PublishedDataset& dataset, const fs::path& path, const FetchOptions& options)
      : dataset_(dataset),
        options_(options),
        download_options_(options.download),
        folder_(path, options.download.warn),
        mirrors_(options.mirrors.empty() ? dataset.mirrors : options.mirrors) {
    download_options_.go_on = [this] { return options_.download.go_on() && !folder_.is_lost(); };
  }

  void run() {
    try {
      fetch_all();
    } catch (const Error&) {
      folder_.check_held();  // throws the cause if the lock is lost
      throw;
    }
  }

 private:
  void fetch_all() {
    const bool packed = !dataset_.members.empty();
    remove_leftovers(folder_.path(), [this](const std::string& target) {
      return std::any_of(dataset_.members.begin(), dataset_.members.end(),
                         [&](const PublishedFile& member) { return member.name == target; });
    });
    const std::vector<PublishedFile> missing =
        missing_of(packed ? dataset_.members : dataset_.downloads);
    if (missing.empty()) return;
    if (packed) return unpack(missing);
    for (const PublishedFile& file : missing) {
      const fs::path part = download(file), path = folder_.path() / file.name;
      folder_.check_held();
      if (::rename(part.c_str(), path.c_str()) != 0)
        fail_with(errno, concat("cannot rename ", part.string(), " to ", path.string()));
      sync_folder(folder_.path());
      say(file, "downloaded");
    }
  }

  void say(const PublishedFile& file, const char* what) {
    options_.say(concat(file.name, ": ", what, ", ", human_bytes(file.bytes)));
  }

  fs::path download(const PublishedFile& file) {
    return download_file(client_, mirrors_, file, folder_.path(), download_options_);
  }

  // Whether the file is there. Throws Error if it is another file.
  bool is_here(const PublishedFile& file) const {
    const fs::path path = folder_.path() / file.name;
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) return false;
    const auto is_another = [&](const auto&... parts) {
      fail(path.string(), ": expected the published file with ", parts...,
           "; remove this file to download it");
    };
    const uint64_t bytes = fs::file_size(path, error);
    if (!error && bytes != file.bytes)
      is_another(with_thousands(file.bytes), " bytes, found ", with_thousands(bytes), " bytes");
    const std::string found = sha256_of(path);
    if (found != file.sha256) is_another("SHA-256 ", file.sha256, ", found ", found);
    return true;
  }

  // Looks at all of them before anything is downloaded.
  std::vector<PublishedFile> missing_of(const std::vector<PublishedFile>& files) {
    std::vector<PublishedFile> missing;
    for (const PublishedFile& file : files) {
      if (is_here(file))
        say(file, "already there");
      else
        missing.push_back(file);
    }
    return missing;
  }

  void unpack(const std::vector<PublishedFile>& missing) {
    const PublishedFile& archive = dataset_.downloads.front();
    const bool is_users = is_here(archive);
    const fs::path path = is_users ? folder_.path() / archive.name : download(archive);
    say(archive, is_users ? "already there" : "downloaded");
    unpack_members(
        path, dataset_, missing, folder_.path(),
        {.before_rename = [this] { folder_.check_held(); }, .go_on = download_options_.go_on});
    for (const PublishedFile& file : missing) say(file, "unpacked");
    if (!is_users) ::unlink(path.c_str());
  }

  const PublishedDataset& dataset_;
  const FetchOptions& options_;
  DownloadOptions download_options_;
  FetchFolder folder_;
  std::vector<std::string> mirrors_;
  HttpClient client_;
};

}  // namespace

void fetch_dataset(const PublishedDataset& dataset, const fs::path& folder,
                   const FetchOptions& options) {
  Fetch(dataset, folder, options).run();
}

}  // namespace d2l::data
