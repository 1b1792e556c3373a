#include "data/packing/pack_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "data/shards/shard_set.h"
#include "data/table/packed_table.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {

namespace fs = std::filesystem;

PackFolder::PackFolder(const fs::path& out, Split split,
                       const std::function<void(const std::string&)>& warn)
    : made_(!fs::exists(out)), out_(out), staging_(".d2l-pack-" + to_string(split) + ".tmp-") {
  make_writable_folder(out);
  try {
    lock(split, warn);
    check(find_shards(out, split).empty(), out.string(), " already contains ", to_string(split),
          " shards; remove them or choose another folder");
    for (const Split any : {Split::train, Split::test})
      check(!fs::exists(fs::symlink_status(out / packed_table_name(any))), out.string(),
            " already contains a table (", packed_table_name(any),
            "); remove it or choose another folder");
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

PackFolder::~PackFolder() {
  remove_staging();
  leave();
}

void PackFolder::lock(Split split, const std::function<void(const std::string&)>& warn) {
  try {
    FileLock::Options options;
    options.warn = warn;
    lock_.emplace(out_ / (".d2l-pack-" + to_string(split) + ".lock"), options);
  } catch (const Error& error) {
    fail("cannot pack the split ", to_string(split), " into ", out_.string(), ": ", error.what());
  }
}

void PackFolder::remove_staging() const {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(out_, ignored))
    if (entry.path().filename().string().starts_with(staging_)) found.push_back(entry.path());
  for (const fs::path& path : found) fs::remove_all(path, ignored);
}

void PackFolder::leave() {
  lock_.reset();
  std::error_code ignored;
  if (made_) fs::remove(out_, ignored);  // removes only an empty folder
}

}  // namespace d2l::data
