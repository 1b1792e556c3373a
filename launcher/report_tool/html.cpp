#include "launcher/report_tool/html.h"

#include <cmath>
#include <cstdio>

#include "framework/base/text.h"

namespace d2l::report_tool {

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : visible(text)) switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  return html;
}

std::string json_text(const std::string& text) {
  std::string json = "\"";
  for (const char c : visible(text)) switch (c) {
      case '"':
        json += "\\\"";
        break;
      case '\\':
        json += "\\\\";
        break;
      case '<':  // "</script>" would end the element
        json += "\\u003c";
        break;
      default:
        json += c;
    }
  return json + "\"";
}

std::string json_number(double number, int significant_digits) {
  if (!std::isfinite(number)) return "null";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.*g", significant_digits, number);
  return buffer;
}

std::string element(const std::string& tag, const std::string& attributes,
                    const std::string& content) {
  return "<" + tag + (attributes.empty() ? "" : " " + attributes) + ">" + content + "</" + tag +
         ">";
}

std::string table_element(const std::string& caption, const std::string& rows) {
  return element("div",
                 "class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"" + caption + "\"",
                 element("table", "", "\n" + element("caption", "", caption) + "\n" + rows)) +
         "\n";
}

}  // namespace d2l::report_tool
