#include "data/packing/pack.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>

#include "data/loading/sampler.h"
#include "data/oddities.h"
#include "data/packing/pack_board.h"
#include "data/packing/pack_folder.h"
#include "data/packing/shard_sequence.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;
using Items = std::vector<PackItem>;

constexpr size_t kMeasuredImages = 64;
constexpr int kMostShards = 99999;  // their names have five digits

// What is packed, the same on all processes.
struct Work {
  const PackSource& source;
  const PackOptions& options;
  const PackHooks& hooks;
  Selection selection;
  ImageForm form;
  DatasetInfo info;
  std::vector<PlannedShard> shards;  // of both splits

  int64_t images() const {
    return static_cast<int64_t>(selection.train.size() + selection.test.size());
  }
};

DatasetInfo packed_info(const PackSource& source, const PackOptions& options, const Shape& shape) {
  DatasetInfo info = source.content().info;
  info.shape = shape;
  info.remarks.clear();
  info.mean.clear();
  info.deviation.clear();
  if (!options.name.empty()) info.name = options.name;
  if (!options.source.empty()) info.source = options.source;
  if (!options.licence.empty()) info.licence = options.licence;
  return info;
}

// The bytes of an average image in its form, measured with images at equal distances.
double measured_bytes(const Work& work, const Items& items) {
  Items some;
  const size_t count = std::min(items.size(), kMeasuredImages);
  for (size_t i = 0; i < count; ++i) some.push_back(items[i * items.size() / count]);
  ImagePreparer preparer(work.form);
  double bytes = 0, good = 0;
  work.source.visit(
      some,
      [&](size_t, const Sample& sample) {
        work.hooks.check_stopped();
        try {
          bytes += static_cast<double>(preparer
                                           .prepare(sample.encoding, sample.shape,
                                                    {sample.bytes.begin(), sample.bytes.end()})
                                           .bytes.size());
          ++good;
        } catch (const Error&) {  // a broken image is reported when it is packed
        }
      },
      [](size_t, const std::string&) {});
  return good > 0 ? bytes / good : 0;
}

// The bytes that the items of a split will have, roughly.
double expected_bytes(const Work& work, const Items& items) {
  const ImageForm& form = work.form;
  const double count = static_cast<double>(items.size());
  if (form.as_pixels && work.info.has_one_size())
    return count * static_cast<double>(work.info.input_elements());
  const bool is_kept = !form.as_pixels && form.shorter == 0 && form.height == 0 && !form.index_rows;
  if (is_kept &&
      std::all_of(items.begin(), items.end(), [](auto& item) { return item.bytes > 0; })) {
    double bytes = 0;
    for (const PackItem& item : items) bytes += static_cast<double>(item.bytes);
    return bytes;
  }
  return count * measured_bytes(work, items);
}

int shards_of(const PackTeam& team, const Work& work, const Items& items) {
  const auto count = static_cast<int64_t>(items.size());
  if (work.options.shards > 0)
    return static_cast<int>(std::min<int64_t>(work.options.shards, count));
  const std::string text = on_first(team, [&] {
    const double wanted = expected_bytes(work, items) / static_cast<double>(kUsualShardBytes);
    const double most = static_cast<double>(std::min<int64_t>(count, kMostShards));
    return std::to_string(static_cast<int>(std::clamp(wanted + 1, 1.0, most)));
  });
  return std::stoi(text);
}

void plan_shards(const PackTeam& team, Work& work) {
  const size_t most = std::max(work.selection.train.size(), work.selection.test.size());
  if (static_cast<size_t>(work.options.shards) > most)
    throw UsageError(concat("--shards: expected at most ", most, ", the number of images in the ",
                            "larger split, found ", work.options.shards));
  for (const Split split : {Split::train, Split::test}) {
    const Items& items = work.selection.items(split);
    if (items.empty()) continue;
    const int shards = shards_of(team, work, items);
    const auto count = static_cast<int64_t>(items.size());
    for (int index = 0; index < shards; ++index)
      work.shards.push_back({split, index, shards, share_begin(count, shards, index),
                             share_begin(count, shards, index + 1)});
  }
}

void warn_of_oddities(const PackTeam& team, const Work& work) {
  if (team.rank != 0) return;
  for (const Split split : {Split::train, Split::test}) {
    const Items& items = work.selection.items(split);
    if (items.empty()) continue;
    std::vector<int64_t> counts(static_cast<size_t>(work.info.classes));
    for (const PackItem& item : items) ++counts[static_cast<size_t>(item.label)];
    for (const std::string& line : oddities(work.info, split, counts)) work.hooks.warn(line);
  }
}

// Reads the images whose header could not be read: it is better to fail now than later.
void check_headers(const Work& work) {
  if (work.options.skip_bad_images || work.source.content().info.shape.rank() == 3) return;
  Items broken;
  for (const Items* items : {&work.selection.train, &work.selection.test})
    for (const PackItem& item : *items)
      if (item.height == 0 && broken.empty()) broken.push_back(item);
  ImagePreparer preparer(work.form);
  work.source.visit(
      broken,
      [&](size_t position, const Sample& sample) {
        try {
          preparer.prepare(sample.encoding, sample.shape,
                           {sample.bytes.begin(), sample.bytes.end()});
        } catch (const Error& error) {
          fail(work.source.place_of(broken[position]), ": ", error.what());
        }
      },
      [&](size_t position, const std::string& reason) {
        fail(work.source.place_of(broken[position]), ": ", reason);
      });
}

// The output folders of the splits on rank 0, and their staging folders on all processes.
class Folders {
 public:
  Folders(const PackTeam& team, const Work& work) {
    const std::string staging = on_first(team, [&] {
      for (const Split split : {Split::train, Split::test})
        if (!work.selection.items(split).empty())
          held_[at(split)].emplace(work.options.out, split, work.hooks.warn);
      std::string paths;
      for (const auto& folder : held_)
        paths += (folder ? folder->staging().string() : std::string()) + '\0';
      return paths;
    });
    const size_t middle = staging.find('\0');
    staging_[0] = staging.substr(0, middle);
    staging_[1] = staging.substr(middle + 1, staging.size() - middle - 2);
    on_all(team, [&] {
      for (const fs::path& path : staging_)
        check(path.empty() || fs::is_directory(path), path.string(),
              ": expected a file system that all hosts share, but this host does not see it");
      return std::string();
    });
  }

  const fs::path& staging(Split split) const { return staging_[at(split)]; }
  const fs::path& any() const { return staging_[staging_[0].empty() ? 1 : 0]; }

  // Moves the finished shards to their place; on rank 0. Returns the bytes of each split.
  std::vector<uint64_t> publish(const Work& work) {
    for (auto& folder : held_)
      if (folder) folder->check_held();
    std::vector<uint64_t> bytes(2);
    for (const PlannedShard& shard : work.shards) {
      const std::string name = shard_name(shard.split, shard.index, shard.shards);
      fs::rename(staging(shard.split) / name, work.options.out / name);
      bytes[at(shard.split)] += fs::file_size(work.options.out / name);
    }
    sync_folder(work.options.out);
    return bytes;
  }

 private:
  static size_t at(Split split) { return split == Split::train ? 0 : 1; }

  std::optional<PackFolder> held_[2];
  fs::path staging_[2];
};

// Runs `action` on all processes; if it fails on one, the others learn of it soon.
std::vector<std::string> work_together(const PackTeam& team, PackBoard& board,
                                       const std::function<std::string()>& action) {
  return on_all(team, [&] {
    try {
      return action();
    } catch (...) {
      board.fail_all();
      throw;
    }
  });
}

// The number of samples of all shards, in their order.
std::vector<int64_t> counts_in(const std::vector<std::string>& texts) {
  std::vector<int64_t> counts;
  for (const std::string& text : texts) {
    std::istringstream stream(text);
    for (int64_t count = 0; stream >> count;) counts.push_back(count);
  }
  return counts;
}

// Writes this process's shards. Returns the samples of the shards of all processes.
std::vector<int64_t> write_shards(const PackTeam& team, const Work& work, const Folders& folders,
                                  ShardSequence& mine) {
  PackBoard board(team, folders.any());
  ShardSequence::Options options;
  options.form = work.form;
  options.threads = work.options.threads;
  options.deflate = work.options.deflate;
  options.skip_bad_images = work.options.skip_bad_images;
  options.folder = [&](Split split) { return folders.staging(split); };
  options.warn = work.hooks.warn;
  options.after_image = [&] {
    work.hooks.check_stopped();
    board.add(1, [&](int64_t done) {
      if (team.rank == 0) work.hooks.progress(done, work.images());
    });
  };
  try {
    std::vector<int64_t> counts = counts_in(work_together(team, board, [&] {
      mine.write(work.source, options);
      return mine.counts_text();
    }));
    work_together(team, board, [&] {
      mine.finish(work.shards, counts);
      return std::string();
    });
    return counts;
  } catch (const JobError&) {
    // All processes remove their files before rank 0 removes the folder.
    mine.discard();
    team.gather("");
    throw;
  }
}

std::vector<PackedSplit> summary(const Work& work, const std::vector<int64_t>& counts,
                                 const std::vector<uint64_t>& bytes) {
  std::vector<PackedSplit> splits;
  for (size_t i = 0; i < work.shards.size(); ++i) {
    const PlannedShard& shard = work.shards[i];
    if (shard.index == 0) splits.push_back({.split = shard.split, .shards = shard.shards});
    splits.back().images += counts[i];
    splits.back().left_out += shard.end - shard.begin - counts[i];
    splits.back().bytes = bytes[shard.split == Split::train ? 0 : 1];
  }
  return splits;
}

}  // namespace

std::vector<PackedSplit> pack(const PackTeam& team, const PackSource& source,
                              const PackOptions& options, const PackHooks& hooks) {
  Work work{.source = source,
            .options = options,
            .hooks = hooks,
            .selection = select_items(source.content(), options.selection),
            .form = options.form,
            .info = {},
            .shards = {}};
  const Shape shape = packed_shape(source.content(), work.form, options.channels);
  work.info = packed_info(source, options, shape);
  on_first(team, [&] {
    check_headers(work);
    return std::string();
  });
  plan_shards(team, work);
  warn_of_oddities(team, work);
  Folders folders(team, work);
  const auto all = static_cast<int64_t>(work.shards.size());
  const auto begin = work.shards.begin();
  ShardSequence mine({begin + share_begin(all, team.size, team.rank),
                      begin + share_begin(all, team.size, team.rank + 1)},
                     work.selection, work.info);
  const std::vector<int64_t> counts = write_shards(team, work, folders, mine);
  std::vector<uint64_t> bytes(2);
  on_first(team, [&] {
    bytes = folders.publish(work);
    return std::string();
  });
  return summary(work, counts, bytes);
}

}  // namespace d2l::data
