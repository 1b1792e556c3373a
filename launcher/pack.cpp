#include "launcher/pack.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "data/loading/sampler.h"
#include "data/shards/shard_dataset.h"
#include "data/shards/shard_writer.h"
#include "framework/base/error.h"
#include "framework/base/file_lock.h"
#include "framework/base/files.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;
using data::Split;

volatile std::sig_atomic_t interrupted = 0;

// The output folder and a staging folder in it for unfinished shards. Destruction removes the
// staging folder, and the output folder if it was created here and is empty.
class PackFolder {
 public:
  PackFolder(const fs::path& out, Split split)
      : made_(!fs::exists(out)), out_(out), staging_(".d2l-pack-" + to_string(split) + ".tmp-") {
    make_writable_folder(out);
    try {
      lock(split);
      remove_staging();  // leftovers of a killed run
      std::string name = (out / (staging_ + "XXXXXX")).string();
      check(::mkdtemp(name.data()) != nullptr, "cannot make the folder ", name, ": ",
            std::strerror(errno));
      path_ = name;
    } catch (...) {
      leave();
      throw;
    }
  }
  ~PackFolder() {
    remove_staging();
    leave();
  }
  PackFolder(const PackFolder&) = delete;
  PackFolder& operator=(const PackFolder&) = delete;

  const fs::path& staging() const { return path_; }
  // Throws Error if another process has taken over the lock because it considered this one dead.
  void check_held() { lock_->check_held(); }

 private:
  void lock(Split split) {
    try {
      FileLock::Options options;
      options.warn = [](const std::string& message) {
        std::cerr << "d2l-data: warning: " << message << "\n";
      };
      lock_.emplace(out_ / (".d2l-pack-" + to_string(split) + ".lock"), options);
    } catch (const Error& error) {
      fail("cannot pack ", to_string(split), " shards into ", out_.string(), ": ", error.what());
    }
  }
  void remove_staging() const {
    std::error_code ignored;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(out_, ignored))
      if (entry.path().filename().string().starts_with(staging_)) found.push_back(entry.path());
    for (const fs::path& path : found) fs::remove_all(path, ignored);
  }
  void leave() {
    lock_.reset();
    std::error_code ignored;
    if (made_) fs::remove(out_, ignored);  // removes only an empty folder
  }

  bool made_;
  fs::path out_;
  std::string staging_;  // prefix of the names of staging folders
  std::optional<FileLock> lock_;
  fs::path path_;
};

}  // namespace

uint64_t pack_shards(const fs::path& out, data::ShardInfo info, const data::Dataset& source) {
  PackFolder folder(out, info.split);
  check(data::find_shards(out, info.split).empty(), out.string(), " already contains ",
        to_string(info.split), " shards; remove them or choose another folder");
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  const int64_t total = info.dataset.samples;
  for (int shard = 0; shard < info.shards; ++shard) {
    info.index = shard;
    info.first = data::share_begin(total, info.shards, shard);
    info.samples = data::share_begin(total, info.shards, shard + 1) - info.first;
    write_shard(folder.staging() / data::shard_name(info.split, shard, info.shards), info, source,
                [] { check(interrupted == 0, "interrupted"); });
  }
  folder.check_held();
  uint64_t bytes = 0;
  for (int shard = 0; shard < info.shards; ++shard) {
    const std::string name = data::shard_name(info.split, shard, info.shards);
    fs::rename(folder.staging() / name, out / name);
    bytes += fs::file_size(out / name);
  }
  sync_folder(out);
  return bytes;
}

}  // namespace d2l
