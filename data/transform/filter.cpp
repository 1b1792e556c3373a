#include "data/transform/filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

struct NamedFilter {
  const char* name;
  Filter filter;
};

constexpr NamedFilter kFilters[] = {{"nearest", Filter::nearest},   {"box", Filter::box},
                                    {"bilinear", Filter::bilinear}, {"hamming", Filter::hamming},
                                    {"bicubic", Filter::bicubic},   {"lanczos", Filter::lanczos}};

double sinc(double x) {
  return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

// The filter's function. Pillow's results depend on its last bits, so the order of the operations
// matters.
double value_at(Filter filter, double x) {
  const double distance = std::abs(x);
  switch (filter) {
    case Filter::nearest:
    case Filter::box:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case Filter::bilinear:
      return distance < 1 ? 1 - distance : 0;
    case Filter::hamming: {
      if (distance == 0) return 1;
      if (distance >= 1) return 0;
      const double angle = distance * std::numbers::pi;
      return std::sin(angle) / angle * (0.54 + 0.46 * std::cos(angle));
    }
    case Filter::bicubic: {
      constexpr double kA = -0.5;
      if (distance < 1) return ((kA + 2) * distance - (kA + 3)) * distance * distance + 1;
      if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * kA;
      return 0;
    }
    case Filter::lanczos:
      return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
  return 0;
}

double radius_of(Filter filter) {
  switch (filter) {
    case Filter::nearest:
    case Filter::box:
      return 0.5;
    case Filter::bilinear:
    case Filter::hamming:
      return 1;
    case Filter::bicubic:
      return 2;
    case Filter::lanczos:
      return 3;
  }
  return 0;
}

double scale_of(const AxisPart& part) {
  return (part.end - part.begin) / static_cast<double>(part.to);
}

// Where the results lie: the centre of result i is begin + (skipped + i + 0.5) scale.
struct ResultGrid {
  double begin = 0, scale = 1;
  int64_t skipped = 0;
};

// If the part is that of a crop of all pixels resized, the grid of this resize, so that the results
// have its bits: where weights begin and end may depend on the last bit of a centre.
ResultGrid grid_of(const AxisPart& part) {
  const double scale = scale_of(part), from = static_cast<double>(part.from);
  const double skipped = std::round(part.begin / scale), all = std::round(from / scale);
  const auto is_near = [&](double count, double pixels) {
    return std::abs(count * scale - pixels) <= 1e-9 * from;
  };
  if (all < 1 || !is_near(skipped, part.begin) || !is_near(all, from))
    return {part.begin, scale, 0};
  return {0, from / all, static_cast<int64_t>(skipped)};
}

}  // namespace

std::string to_string(Filter filter) {
  for (const NamedFilter& named : kFilters)
    if (named.filter == filter) return named.name;
  fail("expected a filter, found ", static_cast<int>(filter));
}

Filter filter_from(const std::string& text) {
  std::string names;
  for (const NamedFilter& named : kFilters) {
    if (text == named.name) return named.filter;
    names += (names.empty() ? "" : ", ") + std::string(named.name);
  }
  fail("expected a filter (", names, "), found '", text, "'");
}

double reach_of(const AxisPart& part, Filter filter) {
  return filter == Filter::nearest ? 0.5 : radius_of(filter) * std::max(scale_of(part), 1.0);
}

int64_t AxisWeights::begin() const { return *std::min_element(first.begin(), first.end()); }
int64_t AxisWeights::end() const { return *std::max_element(first.begin(), first.end()) + taps; }

void AxisWeights::assign(const AxisPart& part, Filter filter) {
  check(part.to > 0 && part.from > 0 && part.begin >= 0 && part.begin < part.end &&
            part.end <= static_cast<double>(part.from),
        "resize: expected a part of ", part.from, " pixels, found ", part.begin, " to ", part.end);
  const auto [start, scale, skipped] = grid_of(part);
  first.resize(static_cast<size_t>(part.to));
  if (filter == Filter::nearest) {
    taps = 1;
    weights.assign(first.size(), 1.0);
    double at = start + scale * 0.5;
    for (int64_t i = 0; i < skipped; ++i) at += scale;  // Pillow sums up, too
    for (int32_t& pixel : first) {
      pixel = static_cast<int32_t>(std::min(static_cast<int64_t>(at), part.from - 1));
      at += scale;
    }
    return;
  }
  const double stretch = std::max(scale, 1.0), support = radius_of(filter) * stretch;
  const double shrink = 1.0 / stretch;
  const auto centre_of = [&, begin = start, step = scale, before = skipped](int64_t i) {
    return begin + (static_cast<double>(before + i) + 0.5) * step;
  };
  const auto begin_of = [&](double centre) {
    return std::max(static_cast<int64_t>(std::floor(centre - support + 0.5)), int64_t{0});
  };
  const auto end_of = [&](double centre) {
    return std::min(static_cast<int64_t>(std::floor(centre + support + 0.5)), part.from);
  };
  taps = 0;
  for (int64_t i = 0; i < part.to; ++i)
    taps = std::max(taps, end_of(centre_of(i)) - begin_of(centre_of(i)));
  weights.assign(first.size() * static_cast<size_t>(taps), 0.0);
  for (int64_t i = 0; i < part.to; ++i) {
    const double centre = centre_of(i);
    const int64_t begin = begin_of(centre), end = end_of(centre);
    // all results get the same number of taps; added ones have weight 0
    first[i] = static_cast<int32_t>(std::min(begin, part.from - taps));
    double* row = weights.data() + i * taps;
    double sum = 0;
    for (int64_t at = begin; at < end; ++at)
      sum += row[at - first[i]] =
          value_at(filter, (static_cast<double>(at) - centre + 0.5) * shrink);
    if (sum != 0)
      for (int64_t at = begin; at < end; ++at) row[at - first[i]] /= sum;
  }
}

}  // namespace d2l::data
