#pragma once

#include <filesystem>
#include <string>

namespace d2l::data {

// Whether `path` is a regular file; follows links. Throws Error naming the path and the system's
// reason if that cannot be determined.
bool holds_file(const std::filesystem::path& path);

// The description of a searched folder in a message about a missing file: "contains a, b/ and 3
// more", "is empty", "does not exist". Names that contain `of_interest` come first.
std::string content_text(const std::filesystem::path& folder, const std::string& of_interest);

}  // namespace d2l::data
