#include "tests/structure/source_tree.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::structure {

namespace {

const std::vector<std::string> kFolders = {"framework",  "models", "data",     "vision",
                                           "launcher",   "tests",  "examples", "docs",
                                           "benchmarks", "cmake",  "slurm",    ".ci"};
const std::set<std::string> kExtensions = {".h",  ".cpp",   ".cu",  ".cuh", ".py",
                                           ".sh", ".cmake", ".txt", ".md",  ".sbatch"};

SourceFile read_file(const std::filesystem::path& root, const std::filesystem::path& path) {
  SourceFile file{std::filesystem::relative(path, root).generic_string(), {}};
  std::istringstream text(read_text_file(path));
  for (std::string line; std::getline(text, line);) file.lines.push_back(line);
  return file;
}

bool is_source(const std::filesystem::directory_entry& entry) {
  return entry.is_regular_file() && kExtensions.count(entry.path().extension().string()) > 0;
}

}  // namespace

std::vector<SourceFile> read_tree(const std::filesystem::path& root) {
  std::vector<SourceFile> tree;
  for (const auto& entry : std::filesystem::directory_iterator(root))
    if (is_source(entry)) tree.push_back(read_file(root, entry.path()));
  for (const std::string& folder : kFolders) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    std::filesystem::recursive_directory_iterator walk(root / folder), end;
    for (; walk != end; ++walk) {
      if (walk->is_directory() && walk->path() == root / "data" / "samples")
        walk.disable_recursion_pending();
      else if (is_source(*walk))
        tree.push_back(read_file(root, walk->path()));
    }
  }
  std::sort(tree.begin(), tree.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

std::string layer_of(const std::string& path) {
  size_t begin = 0;
  for (const std::string parent : {"framework/", "launcher/"}) {
    const bool has_folder = path.find('/', parent.size()) != std::string::npos;
    if (has_folder && path.compare(0, parent.size(), parent) == 0) begin = parent.size();
  }
  const size_t end = path.find('/', begin);
  return end == std::string::npos ? "" : path.substr(begin, end - begin);
}

}  // namespace d2l::structure
