#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::structure {

struct SourceFile {
  std::string path;  // from the root, with forward slashes
  std::vector<std::string> lines;
};

// All source, script, CMake and text files of the project's folders below `root`, sorted by path,
// without build folders, runs and samples. Throws Error if a file cannot be read.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

// One line per fault, "path:line: what is wrong"; empty if there are no faults.
using Faults = std::vector<std::string>;

// The layer that a path belongs to: "backend" for framework/backend/cpu/matmul.cpp, "options" for
// launcher/options/data.h, "launcher" for the files beside that folder, "tests" for all tests;
// empty if it is in none.
std::string layer_of(const std::string& path);

Faults check_layers(const std::vector<SourceFile>& tree);   // no includes of a higher layer
Faults check_vendors(const std::vector<SourceFile>& tree);  // vendor headers only in their folder
Faults check_include_form(const std::vector<SourceFile>& tree);  // paths from the root that exist
Faults check_sizes(const std::vector<SourceFile>& tree);         // files and functions
Faults check_headers(const std::vector<SourceFile>& tree);       // #pragma once
Faults check_names(const std::vector<SourceFile>& tree);         // no two types of one name
Faults check_conditionals(const std::vector<SourceFile>& tree);  // < 1 #if per 1000 lines
Faults check_interfaces(const std::vector<SourceFile>& tree);    // small Backend, Communicator
Faults check_teams(const std::vector<SourceFile>& tree);         // threads only via parallel.h
Faults check_words(const std::vector<SourceFile>& tree);         // no marks of unfinished work

}  // namespace d2l::structure
