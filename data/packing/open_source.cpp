#include "data/packing/open_source.h"

#include "data/catalog.h"
#include "data/formats/cifar.h"
#include "data/formats/idx.h"
#include "data/packing/archive.h"
#include "data/packing/archive_source.h"
#include "data/packing/dataset_source.h"
#include "data/packing/file_items.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

// Opens the splits that are needed with find(split), which returns nullptr for a missing split.
template <class Find>
std::unique_ptr<PackSource> dataset_source(const SourceRequest& request, Find find) {
  std::unique_ptr<Dataset> parts[2];
  for (const Split split : {Split::train, Split::test})
    if (!request.split || *request.split == split)
      parts[split == Split::test ? 1 : 0] = find(split);
  if (!parts[0] && !parts[1]) return nullptr;
  return make_dataset_source(std::move(parts[0]), std::move(parts[1]));
}

std::unique_ptr<PackSource> open_named(const SourceRequest& request) {
  auto source = dataset_source(
      request, [&](Split split) { return find_dataset(request.from, request.data_dir, split); });
  if (source) return source;
  // throws an error that says what was searched
  return make_dataset_source(
      open_dataset(request.from, request.data_dir, request.split.value_or(Split::train)), nullptr);
}

std::unique_ptr<PackSource> open_idx_files(const fs::path& folder, const std::string& name,
                                           const SourceRequest& request) {
  auto source = dataset_source(request, [&](Split split) -> std::unique_ptr<Dataset> {
    if (!find_idx(folder, split)) return nullptr;
    return open_idx_folder(folder, split, name);
  });
  if (source) return source;
  return make_dataset_source(open_idx_folder(folder, request.split.value_or(Split::train), name),
                             nullptr);
}

// Whether any split of the original files of these datasets is in the folder.
bool has_files_of(std::vector<fs::path> (&find)(const fs::path&, Split), const fs::path& folder) {
  return !find(folder, Split::train).empty() || !find(folder, Split::test).empty();
}

std::unique_ptr<PackSource> open_folder(const PackTeam& team, const SourceRequest& request) {
  const fs::path folder = request.from;
  if (auto source = dataset_source(
          request, [&](Split split) { return find_dataset(request.from, folder, split); }))
    return source;
  if (find_idx(folder, Split::train) || find_idx(folder, Split::test))
    return open_idx_files(folder, name_from_path(folder), request);
  for (const char* name : {"cifar10", "cifar100"}) {
    if (!has_files_of(std::string(name) == "cifar10" ? find_cifar10 : find_cifar100, folder))
      continue;
    return dataset_source(request, [&](Split split) { return find_dataset(name, folder, split); });
  }
  return open_image_folder(team, folder, request.threads);
}

bool is_path(const std::string& from) {
  std::error_code ignored;
  return names_a_folder(from) || (!is_dataset_name(from) && fs::exists(from, ignored));
}

}  // namespace

std::unique_ptr<PackSource> open_source(const PackTeam& team, const SourceRequest& request) {
  const std::string& from = request.from;
  if (from == "idx") return open_idx_files(request.data_dir, "idx", request);
  const bool is_file = is_path(from) && !fs::is_directory(from);
  if (is_file && !is_archive(from))
    return open_list(team, from, request.test_from, request.threads);
  if (!request.test_from.empty())
    throw UsageError(concat("--test-from: expected a list for --from, found ", from));
  if (is_file) return open_archive(team, from);
  if (is_path(from)) return open_folder(team, request);
  check(is_dataset_name(from), "found no file or folder '", from, "'; ",
        unknown_name("dataset", from, dataset_names()));
  return open_named(request);
}

}  // namespace d2l::data
