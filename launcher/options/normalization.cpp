#include "launcher/options/normalization.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "launcher/options/duration.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

constexpr const char* kLabel = "--normalize";

[[noreturn]] void fail_syntax(const std::string& text) {
  usage(
      kLabel,
      " expects none, data, imagenet, cifar10 or MEAN:STD, each one number or one per channel, for "
      "example 0.5:0.25 or 0.49,0.48,0.45:0.25,0.24,0.26, found '",
      text, "'");
}

std::vector<float> parse_numbers(const std::string& text, const std::string& whole) {
  std::vector<float> numbers;
  for (const std::string& piece : split_list(kLabel, text)) {
    float number = 0;
    const char* end = piece.data() + piece.size();
    const auto result = std::from_chars(piece.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end || !std::isfinite(number)) fail_syntax(whole);
    numbers.push_back(number);
  }
  return numbers;
}

void spread(std::vector<float>& numbers, const std::string& text, int64_t channels) {
  if (numbers.size() == 1) numbers.resize(static_cast<size_t>(channels), numbers[0]);
  if (static_cast<int64_t>(numbers.size()) != channels)
    usage(kLabel, " ", text, ": expected numbers for ", channels,
          channels == 1 ? " channel" : " channels", " of the images, found ", numbers.size());
}

// Without the numbers of "data".
Normalisation parse_text(const std::string& text) {
  if (text == "none" || text == "data") return {};
  if (text == "imagenet")
    return {.mean = {0.485f, 0.456f, 0.406f}, .deviation = {0.229f, 0.224f, 0.225f}};
  if (text == "cifar10")
    return {.mean = {0.4914f, 0.4822f, 0.4465f}, .deviation = {0.2470f, 0.2435f, 0.2616f}};
  const size_t colon = text.find(':');
  if (colon == std::string::npos) fail_syntax(text);
  Normalisation found{.mean = parse_numbers(text.substr(0, colon), text),
                      .deviation = parse_numbers(text.substr(colon + 1), text)};
  if (found.mean.empty() || found.deviation.empty()) fail_syntax(text);
  for (const float deviation : found.deviation)
    if (deviation <= 0) usage(kLabel, " expects an STD above 0, found '", text, "'");
  return found;
}

std::vector<float> floats_of(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}

Normalisation statistics_of(const data::DatasetInfo& data) {
  if (data.mean.empty() || data.deviation.empty())
    usage(kLabel, " data expects a dataset that knows its means and standard deviations, such as ",
          "shards that d2l-data has packed, found ", data.name,
          " without them; d2l-data stats computes them for shards");
  Normalisation found{.mean = floats_of(data.mean), .deviation = floats_of(data.deviation)};
  for (const float deviation : found.deviation)
    if (!(deviation > 0))
      usage(kLabel, " data expects standard deviations above 0, found ", deviation, " in ",
            data.name);
  return found;
}

}  // namespace

void check_normalisation(const std::string& text) { parse_text(text); }

Normalisation parse_normalisation(const std::string& text, const data::DatasetInfo& data) {
  if (data.is_table() && text != "none")
    usage(kLabel, " is for images; d2l-data pack standardises the columns of a table");
  Normalisation found = text == "data" ? statistics_of(data) : parse_text(text);
  if (found.mean.empty()) return found;
  spread(found.mean, text, data.shape[2]);
  spread(found.deviation, text, data.shape[2]);
  return found;
}

}  // namespace d2l::launcher
