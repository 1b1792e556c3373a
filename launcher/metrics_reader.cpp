#include "launcher/metrics_reader.h"

#include <charconv>
#include <limits>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::launcher {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kMostShown = 60;   // bytes of a wrong header
constexpr size_t kMostDigits = 15;  // of a step: exact in f64

bool is_step(std::string_view field) {
  return !field.empty() && field.size() <= kMostDigits &&
         field.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

double number_in(std::string_view field) {
  double number = 0;
  const char* end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, number);
  return result.ec == std::errc() && result.ptr == end ? number
                                                       : std::numeric_limits<double>::quiet_NaN();
}

MetricsReader::MetricsReader(const std::filesystem::path& path)
    : text_(read_text_file(path)), left_(text_) {
  if (left_.starts_with(kByteOrderMark)) left_.remove_prefix(kByteOrderMark.size());
  next_line(names_);
  check(!names_.empty() && names_[0] == "step", path.string(),
        ":1: expected the header of metrics.csv, 'step,epoch,...', found '",
        visible(text_.substr(0, std::min(text_.find('\n'), kMostShown))), "'");
}

bool MetricsReader::next(Fields& fields) {
  while (next_line(fields)) {
    if (fields.size() == names_.size() && is_step(fields[0])) return true;
    ++damaged_;
  }
  return false;
}

bool MetricsReader::next_line(Fields& fields) {
  fields.clear();
  if (left_.empty()) return false;
  const size_t end = left_.find('\n');
  std::string_view line = left_.substr(0, end);
  left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (;;) {
    const size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return true;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace d2l::launcher
