#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::structure {

struct SourceFile {
  std::string path;  // from the root, with forward slashes
  std::vector<std::string> lines;
};

// Every source, script, CMake and text file of the project's folders below `root`, by path. Build
// folders, runs and samples are not part of it. Throws Error when a file cannot be read.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

// One line per fault, "path:line: what is wrong"; empty when all is well.
using Faults = std::vector<std::string>;

// The room that a path belongs to: "backend" for framework/backend/cpu/matmul.cpp, "options" for
// launcher/options/data.h, "launcher" for the files beside that folder, "tests" for all tests; empty
// when it is in none.
std::string room_of(const std::string& path);

Faults check_rooms(const std::vector<SourceFile>& tree);    // no include of a higher room
Faults check_vendors(const std::vector<SourceFile>& tree);  // a vendor's header in its folder only
Faults check_include_form(const std::vector<SourceFile>& tree);  // written from the root, there
Faults check_sizes(const std::vector<SourceFile>& tree);         // files and functions
Faults check_headers(const std::vector<SourceFile>& tree);       // #pragma once
Faults check_names(const std::vector<SourceFile>& tree);  // a type's name is that of one type alone
Faults check_conditionals(const std::vector<SourceFile>& tree);  // < 1 #if per 1000 lines
Faults check_interfaces(const std::vector<SourceFile>& tree);    // Backend, Communicator stay small
Faults check_teams(const std::vector<SourceFile>& tree);  // threads work through parallel.h alone
Faults check_words(const std::vector<SourceFile>& tree);  // no marks of unfinished work

}  // namespace d2l::structure
