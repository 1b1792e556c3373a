#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l {

// The candidate that a mistyped `word` most likely meant: the only one that begins with it, or else
// by edit distance; empty when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

// join({"a", "b"}, ", ") == "a, b"
std::string join(const std::vector<std::string>& parts, const std::string& separator);

// "unknown model 'lenett', did you mean 'lenet'?" or, when nothing is near, the list of all, as far
// as it fits a line; or `listed_by`, what shows it: "unknown flag '--x'; d2l-train --help lists
// all".
std::string unknown_name(const std::string& kind, const std::string& word,
                         const std::vector<std::string>& candidates,
                         const std::string& listed_by = "");

// The text with everything in it that would not be seen, or would move the cursor, written out:
// "lr\r" becomes "lr\\r", a byte order mark "\\ufeff", a byte that is not UTF-8 "\\xff".
std::string visible(const std::string& text);

std::string with_thousands(int64_t number);    // 61706 -> "61,706"
std::string human_bytes(uint64_t bytes);       // 5242880 -> "5.0 MiB"
std::string human_seconds(double seconds);     // 3725 -> "1h02m"
std::string fixed(double number, int digits);  // fixed(0.8085, 3) -> "0.809"

}  // namespace d2l
