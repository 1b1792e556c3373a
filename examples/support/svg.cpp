#include "examples/support/svg.h"

#include <cstdint>

#include "framework/base/files.h"

namespace d2l::examples {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace

Svg::Svg(double width, double height) {
  out_ << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << height
       << "' width='" << width << "' height='" << height
       << "' font-family='sans-serif' font-size='12'>\n";
  rect(0, 0, width, height, "white");
}

void Svg::text(double x, double y, const std::string& text, const char* anchor,
               const std::string& more) {
  out_ << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << "' " << more << '>'
       << escaped(text) << "</text>\n";
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string& colour) {
  out_ << "<line x1='" << x1 << "' y1='" << y1 << "' x2='" << x2 << "' y2='" << y2 << "' stroke='"
       << colour << "'/>\n";
}

void Svg::rect(double x, double y, double width, double height, const std::string& fill,
               const std::string& stroke) {
  out_ << "<rect x='" << x << "' y='" << y << "' width='" << width << "' height='" << height
       << "' fill='" << fill << "' stroke='" << stroke << "'/>\n";
}

void Svg::circle(double x, double y, const std::string& colour) {
  out_ << "<circle cx='" << x << "' cy='" << y << "' r='2.5' fill='" << colour
       << "' fill-opacity='.7'/>\n";
}

void Svg::path(const std::string& d, const std::string& colour) {
  out_ << "<path d='" << d << "' fill='none' stroke='" << colour
       << "' stroke-width='1.8' stroke-linejoin='round' clip-path='url(#area)'/>\n";
}

void Svg::clip(double x, double y, double width, double height) {
  out_ << "<clipPath id='area'><rect x='" << x << "' y='" << y << "' width='" << width
       << "' height='" << height << "'/></clipPath>\n";
}

void Svg::image(double x, double y, double width, double height, const std::string& png) {
  out_ << "<image x='" << x << "' y='" << y << "' width='" << width << "' height='" << height
       << "' style='image-rendering:pixelated' href='data:image/png;base64," << base64(png)
       << "'/>\n";
}

std::string Svg::finish() {
  out_ << "</svg>\n";
  return out_.str();
}

void write_drawing(const std::filesystem::path& file, const std::string& svg) {
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  write_text_file(file, svg);
}

}  // namespace d2l::examples
