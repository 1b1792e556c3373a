#include "launcher/options/lr_multiplier.h"

#include <cmath>

#include "framework/base/text.h"
#include "launcher/options/usage.h"
#include "launcher/options/values.h"

namespace d2l::launcher {

std::string text_of(const std::vector<LrMultiplier>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const LrMultiplier& value : values)
    texts.push_back(value.pattern + ":" + text_of(value.factor));
  return join(texts, ",");
}

void parse(const std::string& label, const std::string& text, std::vector<LrMultiplier>& values) {
  values.clear();
  for (const std::string& piece : split_list(label, text)) {
    const size_t colon = piece.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == piece.size())
      usage(label, " expects PATTERN:FACTOR, for example layer1.*:0.1, found '", piece, "'");
    LrMultiplier value{.pattern = piece.substr(0, colon)};
    parse(label, piece.substr(colon + 1), value.factor);
    if (!std::isfinite(value.factor) || value.factor < 0)
      usage(label, " expects a finite factor of at least 0, found '", piece, "'");
    values.push_back(std::move(value));
  }
}

}  // namespace d2l::launcher
