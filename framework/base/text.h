#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l {

// The most likely candidate for a mistyped `word`: the only one that begins with it, or else the
// nearest by edit distance. Empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

// join({"a", "b"}, ", ") == "a, b"
std::string join(const std::vector<std::string>& parts, const std::string& separator);

// "a\nb" -> "a", "b". A line break at the end begins no line.
std::vector<std::string> split_lines(const std::string& text);

// "unknown model 'lenett', did you mean 'lenet'?" If no candidate is near, lists the candidates
// (the first 24), or names the command that lists them (`listed_by`): "unknown flag '--x';
// d2l-train --help lists all".
std::string unknown_name(const std::string& kind, const std::string& word,
                         const std::vector<std::string>& candidates,
                         const std::string& listed_by = "");

// Escapes characters that are invisible or move the cursor: "lr\r" becomes "lr\\r", a byte order
// mark "\\ufeff", a byte that is not UTF-8 "\\xff".
std::string visible(const std::string& text);

// A field of a CSV file: in quotes where RFC 4180 asks for them.
std::string csv_field(const std::string& text);

std::string with_thousands(int64_t number);    // 61706 -> "61,706"
std::string human_bytes(uint64_t bytes);       // 5242880 -> "5.0 MiB"
std::string human_seconds(double seconds);     // 3725 -> "1h02m"
std::string fixed(double number, int digits);  // fixed(0.8085, 3) -> "0.809"
// Three digits after the point, but more for small numbers and fewer for large ones: 0.54, 0.01234
// and 28123.46 -> "0.540", "0.0123", "28123.5"; below 1e-4 and from 1e9 on "1.234e-05".
std::string rounded(double number);

}  // namespace d2l
