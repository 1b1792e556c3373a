#pragma once

#include <filesystem>
#include <sstream>
#include <string>

namespace d2l::examples {

// Builds an SVG document; lengths are in pixels, (0, 0) is at the top left.
class Svg {
 public:
  Svg(double width, double height);

  // `anchor`: which point of the text is at (x, y): start, middle or end. `more`: attributes.
  void text(double x, double y, const std::string& text, const char* anchor = "middle",
            const std::string& more = "");
  void line(double x1, double y1, double x2, double y2, const std::string& colour);
  void rect(double x, double y, double width, double height, const std::string& fill,
            const std::string& stroke = "none");
  void circle(double x, double y, const std::string& colour);
  // A curve, cut off outside of clip().
  void path(const std::string& d, const std::string& colour);
  void clip(double x, double y, double width, double height);
  // The bytes of a PNG file, with sharp pixels.
  void image(double x, double y, double width, double height, const std::string& png);

  // The whole document. Call last.
  std::string finish();

 private:
  std::ostringstream out_;
};

// Makes the folder if necessary. Throws Error.
void write_drawing(const std::filesystem::path& file, const std::string& svg);

}  // namespace d2l::examples
