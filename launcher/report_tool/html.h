#pragma once

#include <string>

namespace d2l::report_tool {

// Any text as the content of an HTML element or of an attribute in double quotes. Invisible
// characters and bytes that are not UTF-8 become visible (text.h).
std::string escaped(const std::string& text);

// Any text as a JSON string, with its quotes, that may stand in a <script> element.
std::string json_text(const std::string& text);

// "null" for a number that is not finite.
std::string json_number(double number, int significant_digits = 6);

// <tag attributes>content</tag>. `content` is HTML.
std::string element(const std::string& tag, const std::string& attributes,
                    const std::string& content);

// A table that scrolls sideways where it is too wide. `rows` are HTML.
std::string table_element(const std::string& caption, const std::string& rows);

}  // namespace d2l::report_tool
