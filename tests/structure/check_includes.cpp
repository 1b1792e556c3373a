#include <algorithm>
#include <map>
#include <set>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "tests/structure/source_tree.h"

namespace d2l::structure {

namespace {

// The layers that a layer may include directly. It may also include what those may include.
const std::map<std::string, std::set<std::string>> kBelow = {
    {"base", {}},
    {"launch", {"base"}},
    {"hdf5", {"base"}},
    {"hdf5_reader", {"base"}},
    {"weights", {"hdf5_reader"}},
    {"backend", {"base"}},
    {"tensor", {"backend"}},
    {"autograd", {"tensor"}},
    {"nn", {"autograd"}},
    {"optim", {"nn"}},
    {"comm", {"backend"}},
    {"checkpoint", {"tensor", "hdf5", "weights"}},
    {"train", {"nn", "optim", "comm", "checkpoint"}},
    {"models", {"nn"}},
    {"data", {"tensor", "hdf5", "hdf5_reader"}},
    {"vision", {"data"}},
    {"options", {"train", "models", "data", "weights"}},
    {"launcher", {"options"}},
    {"data_tool", {"launcher"}},
    {"predict", {"data_tool"}},
    {"report_tool", {"data_tool"}},
    {"launch_tool", {"launch"}},
    {"manual", {"base"}},
    {"include", {"optim", "models", "vision", "checkpoint", "comm"}},
    {"examples", {"launcher", "include"}},
    {"benchmarks", {"launcher"}},
    {"tests",
     {"launcher", "data_tool", "predict", "report_tool", "launch_tool", "manual", "vision",
      "examples", "benchmarks"}},
};

// Headers with this prefix may only be included by files with one of these path prefixes.
struct Vendor {
  std::string header;
  std::vector<std::string> homes;
};
const std::vector<Vendor> kVendors = {
    {"mpi", {"framework/comm/", "tests/comm/"}},
    {"nccl", {"framework/comm/"}},
    {"hdf5", {"framework/hdf5/"}},
    {"H5", {"framework/hdf5/"}},
    {"hwloc", {"framework/launch/"}},
    {"zlib",
     {"framework/checkpoint/", "framework/hdf5_reader/", "framework/weights/", "data/",
      "tests/data/", "tests/weights/"}},
    {"nlohmann",
     {"framework/weights/", "vision/annotations/", "tests/base/", "tests/launcher/",
      "tests/vision/"}},
    {"pugixml", {"vision/annotations/"}},
    {"jpeglib", {"data/formats/", "tests/data/", "benchmarks/"}},
    {"png.h", {"data/formats/", "tests/data/"}},
    {"webp/", {"data/formats/", "tests/data/"}},
    {"archive", {"data/packing/", "data/fetch/", "tests/data/"}},
    {"curl/", {"data/fetch/"}},
    {"openssl/", {"data/fetch/", "tests/data/fetch/"}},
    {"xxhash", {"framework/base/"}},
    {"dnnl", {"framework/backend/cpu/"}},
    // this benchmark compares oneDNN with the backend
    {"oneapi/", {"framework/backend/cpu/", "benchmarks/convolution_peak."}},
    {"omp.h", {"framework/backend/cpu/parallel."}},
    {"cuda", {"framework/backend/cuda/", "framework/comm/", "tests/emulated_cuda/"}},
    {"cudnn", {"framework/backend/cuda/"}},
    {"cublas", {"framework/backend/cuda/"}},
    {"cub/", {"framework/backend/cuda/"}},
    {"thrust/", {"framework/backend/cuda/"}},
    {"boost/program_options", {"launcher/"}},
    {"gtest/", {"tests/"}},
    {"gmock/", {"tests/"}},
};

// Private folders of backends. Only the backend and its tests may include them; for CUDA also files
// of the same module and the benchmark that compares cuDNN with it.
const std::vector<std::string> kPrivateFolders = {"framework/backend/cpu/",
                                                  "framework/backend/cuda/"};
const std::vector<std::string> kInsiders = {"framework/backend/", "framework/comm/cuda/",
                                            "tests/backend/", "tests/emulated_cuda/",
                                            "benchmarks/cudnn_"};

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

struct Include {
  const SourceFile* from = nullptr;
  size_t line = 0;
  std::string name;
  bool quoted = false;

  template <class... Parts>
  std::string fault(const Parts&... parts) const {
    return concat(from->path, ":", line, ": ", parts...);
  }
};

std::vector<Include> includes_of(const std::vector<SourceFile>& tree) {
  std::vector<Include> includes;
  for (const SourceFile& file : tree) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      size_t word = line.find_first_not_of(" \t#");
      if (line.find_first_not_of(" \t") == std::string::npos || word == std::string::npos) continue;
      if (line[line.find_first_not_of(" \t")] != '#' || line.compare(word, 7, "include") != 0)
        continue;
      size_t open = line.find_first_of("\"<", word);
      if (open == std::string::npos) continue;
      bool quoted = line[open] == '"';
      size_t close = line.find(quoted ? '"' : '>', open + 1);
      if (close == std::string::npos) continue;
      includes.push_back({&file, i + 1, line.substr(open + 1, close - open - 1), quoted});
    }
  }
  return includes;
}

std::set<std::string> all_below(const std::string& layer) {
  std::set<std::string> found;
  std::vector<std::string> open(kBelow.at(layer).begin(), kBelow.at(layer).end());
  while (!open.empty()) {
    std::string next = open.back();
    open.pop_back();
    if (!found.insert(next).second) continue;
    open.insert(open.end(), kBelow.at(next).begin(), kBelow.at(next).end());
  }
  return found;
}

bool is_cpp(const std::string& path) {
  for (const char* extension : {".h", ".cpp", ".cu", ".cuh"})
    if (path.size() > std::string(extension).size() &&
        path.compare(path.size() - std::string(extension).size(), std::string::npos, extension) ==
            0)
      return true;
  return false;
}

}  // namespace

Faults check_layers(const std::vector<SourceFile>& tree) {
  Faults faults;
  for (const SourceFile& file : tree)
    if (is_cpp(file.path) && !kBelow.count(layer_of(file.path)))
      faults.push_back(concat(file.path, ":1: is in no layer that the design knows"));
  for (const Include& include : includes_of(tree)) {
    std::string from = layer_of(include.from->path), to = layer_of(include.name);
    if (!include.quoted || !kBelow.count(from) || !kBelow.count(to)) continue;
    if (from != to && !all_below(from).count(to))
      faults.push_back(include.fault(from, " may not include ", to, ": ", include.name));
    for (const std::string& folder : kPrivateFolders)
      if (starts_with(include.name, folder) &&
          std::none_of(kInsiders.begin(), kInsiders.end(), [&](const std::string& insider) {
            return starts_with(include.from->path, insider);
          }))
        faults.push_back(include.fault("only the backend may include ", include.name));
  }
  return faults;
}

Faults check_vendors(const std::vector<SourceFile>& tree) {
  Faults faults;
  for (const Include& include : includes_of(tree)) {
    if (layer_of(include.name) != "" && kBelow.count(layer_of(include.name))) continue;
    for (const Vendor& vendor : kVendors) {
      if (!starts_with(include.name, vendor.header)) continue;
      bool home = std::any_of(
          vendor.homes.begin(), vendor.homes.end(),
          [&](const std::string& folder) { return starts_with(include.from->path, folder); });
      if (!home)
        faults.push_back(include.fault(include.name, " belongs to ", join(vendor.homes, ", ")));
    }
  }
  return faults;
}

Faults check_include_form(const std::vector<SourceFile>& tree) {
  std::set<std::string> paths;
  for (const SourceFile& file : tree) paths.insert(file.path);
  Faults faults;
  for (const Include& include : includes_of(tree)) {
    if (include.quoted && !paths.count(include.name))
      faults.push_back(
          include.fault("\"", include.name, "\" is no file of the project, written from its root"));
    if (!include.quoted && paths.count(include.name))
      faults.push_back(include.fault("<", include.name, "> is ours: write it in quotes"));
  }
  return faults;
}

}  // namespace d2l::structure
