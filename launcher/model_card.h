#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace d2l::launcher {

// A description of the network of a run in Markdown: what it is, its data, how it was trained, its
// results, how to use it. Everything comes from the files of the run folder: the best or else the
// newest checkpoint, log.txt and metrics.csv; what they do not say is left out. `warn`: called for
// each damaged checkpoint that is skipped. Throws Error if there is no run folder or no checkpoint.
std::string model_card(const std::filesystem::path& run,
                       const std::function<void(const std::string& message)>& warn);

}  // namespace d2l::launcher
