#pragma once

#include <filesystem>
#include <string>

namespace d2l::data {

// Whether a regular file is there, links followed. Throws Error naming the path and the system's
// reason where that cannot be told.
bool holds_file(const std::filesystem::path& path);

// What a message about a missing file says of the folder where it was looked for: "holds a, b/ and
// 3 more", "is empty", "does not exist". Names with `of_interest` in them come first.
std::string content_text(const std::filesystem::path& folder, const std::string& of_interest);

}  // namespace d2l::data
