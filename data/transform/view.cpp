#include "data/transform/view.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/formats/image.h"
#include "data/formats/image_rows.h"
#include "data/formats/jpeg_baseline.h"
#include "data/formats/jpeg_planes.h"
#include "data/formats/orientation.h"
#include "data/transform/planes.h"
#include "data/transform/resize.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

// One axis of a view.
struct Range {
  double begin = 0, end = 0;
  int64_t to = 0;
};

// What a filter may read along an axis of `size` pixels: the part in relation to the pixel
// `origin`.
struct Window {
  AxisPart part;
  int64_t origin = 0;
};

Window window_of(const Range& range, int64_t size, bool clipped) {
  if (!clipped) return {{range.begin, range.end, size, range.to}, 0};
  const auto origin = static_cast<int64_t>(std::floor(range.begin));
  const int64_t end = std::min(static_cast<int64_t>(std::ceil(range.end)), size);
  const auto offset = static_cast<double>(origin);
  return {{range.begin - offset, range.end - offset, end - origin, range.to}, origin};
}

void check_view(const ImageView& view, const Shape& image) {
  const auto inside = [](double begin, double end, int64_t size) {
    return begin >= 0 && begin < end && end <= static_cast<double>(size);  // false for NaN
  };
  check(inside(view.top, view.bottom, image[0]) && inside(view.left, view.right, image[1]),
        "expected a view inside an image of ", image, ", found rows ", view.top, " to ",
        view.bottom, ", columns ", view.left, " to ", view.right);
  check(view.height > 0 && view.width > 0, "expected a view with pixels, found ", view.height,
        " x ", view.width);
}

void mirror_rows(uint8_t* pixels, int64_t height, int64_t width, int64_t channels) {
  for (int64_t y = 0; y < height; ++y) {
    uint8_t *left = pixels + y * width * channels, *right = left + (width - 1) * channels;
    for (; left < right; left += channels, right -= channels)
      std::swap_ranges(left, left + channels, right);
  }
}

// A view in the coordinates of an image as it is stored, before its orientation is applied.
struct StoredView {
  Range down, across;
  Orientation orientation;  // to apply to the result, with the view's own mirroring
};

StoredView stored_view(const ImageView& view, const Shape& shown, Orientation orientation) {
  StoredView stored{{view.top, view.bottom, view.height}, {view.left, view.right, view.width}, {}};
  const auto reverse = [](Range& range, int64_t size) {
    const double begin = static_cast<double>(size) - range.end;
    range.end = static_cast<double>(size) - range.begin;
    range.begin = begin;
  };
  if (orientation.mirrored) reverse(stored.across, shown[1]);
  if (orientation.flipped) reverse(stored.down, shown[0]);
  if (orientation.transposed) std::swap(stored.down, stored.across);
  stored.orientation = orientation;
  stored.orientation.mirrored ^= view.mirrored;
  return stored;
}

// One axis of a component, in which a sample covers `pixels` pixels.
Range in_samples(const Range& range, double pixels) {
  return {range.begin / pixels, range.end / pixels, range.to};
}

// How often both axes can be halved before they have fewer samples than the result.
int halvings(const Range& down, const Range& across) {
  const double factor = std::min((down.end - down.begin) / static_cast<double>(down.to),
                                 (across.end - across.begin) / static_cast<double>(across.to));
  return factor >= 8 ? 3 : factor >= 4 ? 2 : factor >= 2 ? 1 : 0;
}

// What to decode of a file, and which part of each component the view is.
struct PlanePlan {
  std::array<PlaneDecoder::Request, 3> requests{};
  std::array<Range, 3> down, across;
  PixelArea area;
};

// For the first `count` components.
PlanePlan plan_of(const BaselineJpeg& jpeg, const StoredView& stored, const ImageView& view,
                  size_t count) {
  PlanePlan plan;
  double margin_down = 0, margin_across = 0;  // in pixels
  for (size_t i = 0; i < plan.requests.size(); ++i) {
    plan.requests[i].wanted = i < count;
    if (!plan.requests[i].wanted) continue;
    const JpegComponent& component = jpeg.components[i];
    // pixels of a sample
    double height = static_cast<double>(jpeg.most_vertical) / component.vertical;
    double width = static_cast<double>(jpeg.most_horizontal) / component.horizontal;
    if (view.filter != Filter::nearest)
      plan.requests[i].shift =
          halvings(in_samples(stored.down, height), in_samples(stored.across, width));
    height *= 1 << plan.requests[i].shift;
    width *= 1 << plan.requests[i].shift;
    plan.down[i] = in_samples(stored.down, height);
    plan.across[i] = in_samples(stored.across, width);
    if (view.clipped) continue;
    const auto reach = [&](const Range& range) {
      return reach_of({range.begin, range.end, 0, range.to}, view.filter) + 2;
    };
    margin_down = std::max(margin_down, reach(plan.down[i]) * height);
    margin_across = std::max(margin_across, reach(plan.across[i]) * width);
  }
  const auto whole = [](double value, int64_t most) {
    return std::clamp(static_cast<int64_t>(value), int64_t{0}, most);
  };
  plan.area = {whole(std::floor(stored.down.begin - margin_down), jpeg.height),
               whole(std::floor(stored.across.begin - margin_across), jpeg.width),
               whole(std::ceil(stored.down.end + margin_down), jpeg.height),
               whole(std::ceil(stored.across.end + margin_across), jpeg.width)};
  return plan;
}

}  // namespace

struct ViewReader::State {
  PlaneDecoder decoder;
  PlaneResize plane_resize;
  BoxResize resize;
  Image image;
  std::vector<uint8_t> converted, turned;
  bool has_bad_segments = false;  // of the last JPEG file

  void read_pixels(const Sample& sample, const ImageView& view, int64_t channels, uint8_t* result);
  bool read_planes(const Sample& sample, const ImageView& view, int64_t channels, uint8_t* result);
};

// Exactly what Pillow does with the pixels.
void ViewReader::State::read_pixels(const Sample& sample, const ImageView& view, int64_t channels,
                                    uint8_t* result) {
  const int64_t stored_channels = sample.shape[2], width = sample.shape[1];
  const Window down =
      window_of({view.top, view.bottom, view.height}, sample.shape[0], view.clipped);
  const Window across = window_of({view.left, view.right, view.width}, width, view.clipped);
  resize.assign(down.part, across.part, channels, view.filter);
  const uint8_t* rows = sample.bytes.data() + down.origin * width * stored_channels;
  if (stored_channels != channels) {
    const int64_t first = resize.first_row(), count = resize.end_row() - first;
    converted.resize(static_cast<size_t>((first + count) * width * channels));
    convert_pixels(rows + first * width * stored_channels, stored_channels,
                   converted.data() + first * width * channels, channels, count * width);
    rows = converted.data();
  }
  resize.apply(rows + across.origin * channels, width * channels, result);
  if (view.mirrored) mirror_rows(result, view.height, view.width, channels);
}

// Decodes and resizes the components of a baseline JPEG file. False for all other files.
bool ViewReader::State::read_planes(const Sample& sample, const ImageView& view, int64_t channels,
                                    uint8_t* result) {
  const auto jpeg = parse_baseline_jpeg(sample.bytes);
  if (!jpeg || jpeg->height * jpeg->width > kMostImagePixels ||
      sample.bytes.size() > kMostImageBytes)
    return false;
  const auto stored_channels = static_cast<int64_t>(jpeg->components.size());
  if (shown_shape({jpeg->height, jpeg->width, stored_channels}, jpeg->orientation) != sample.shape)
    return false;
  const StoredView stored = stored_view(view, sample.shape, jpeg->orientation);
  const size_t count = channels == 1 ? 1 : jpeg->components.size();

  const PlanePlan plan = plan_of(*jpeg, stored, view, count);
  if (!decoder.decode(*jpeg, sample.bytes, plan.area, plan.requests)) {
    has_bad_segments = jpeg->restart_interval > 0;
    return false;
  }

  std::array<PlaneResize::Source, 3> sources;
  for (size_t i = 0; i < count; ++i) {
    const ColourPlane& plane = decoder.plane(i);
    const Window rows = window_of(plan.down[i], plane.full_height, view.clipped);
    const Window columns = window_of(plan.across[i], plane.full_width, view.clipped);
    sources[i] = {&plane, rows.part, columns.part, rows.origin, columns.origin};
  }
  Orientation orientation = stored.orientation;
  PlaneResize::Result shape{stored.down.to, stored.across.to, channels, false, false};
  if (!orientation.transposed) {
    shape.mirrored = orientation.mirrored;
    shape.flipped = orientation.flipped;
    plane_resize.resize(sources, count, shape, view.filter, result);
    return true;
  }
  turned.resize(static_cast<size_t>(shape.height * shape.width * channels));
  plane_resize.resize(sources, count, shape, view.filter, turned.data());
  place_rows({0, shape.height, turned.data()}, {shape.height, shape.width, channels}, orientation,
             result);
  return true;
}

ViewReader::ViewReader() : state_(std::make_unique<State>()) {}
ViewReader::~ViewReader() = default;
ViewReader::ViewReader(ViewReader&&) noexcept = default;
ViewReader& ViewReader::operator=(ViewReader&&) noexcept = default;

void ViewReader::read(const Sample& sample, const ImageView& view, int64_t channels,
                      uint8_t* result) {
  check(channels == 1 || channels == 3 || channels == sample.shape[2],
        "a view has 1 or 3 channels, not ", channels);
  check_view(view, sample.shape);
  State& state = *state_;
  if (sample.encoding == Encoding::pixels) {
    check(static_cast<int64_t>(sample.bytes.size()) == sample.shape.elements(), "expected ",
          sample.shape.elements(), " bytes of pixels, found ", sample.bytes.size());
    return state.read_pixels(sample, view, channels, result);
  }
  state.has_bad_segments = false;
  if (sample.encoding == Encoding::jpeg && state.read_planes(sample, view, channels, result))
    return;
  const ImageHeader header = read_image_header(sample.bytes);
  check(header.shape == sample.shape, "expected an image of ", sample.shape, ", found ",
        header.shape);
  decode_image(sample.bytes, channels, state.image);
  // libjpeg-turbo takes what follows the last block of a segment for superfluous bytes
  check(!state.has_bad_segments,
        "the JPEG file is damaged: expected blocks that fill the data between restart markers");
  const Sample decoded{Encoding::pixels, state.image.pixels, state.image.shape, sample.label};
  state.read_pixels(decoded, view, channels, result);
}

}  // namespace d2l::data
