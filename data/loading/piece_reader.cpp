#include "data/loading/piece_reader.h"

#include <algorithm>
#include <cstring>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

// Damaged samples in a row, for example of a lost part of a file, after which the search for a good
// one ends.
constexpr int64_t kMostInARow = 10'000;

// Whether the view of an image of the result's size is the image as it is.
bool is_whole(const ImageView& view) {
  return view.top == 0 && view.left == 0 && view.bottom == static_cast<double>(view.height) &&
         view.right == static_cast<double>(view.width) && !view.mirrored;
}

}  // namespace

PieceReader::PieceReader(const Dataset& dataset, const Pipeline& pipeline,
                         OnBadSample on_bad_sample)
    : dataset_(dataset),
      pipeline_(pipeline),
      result_(pipeline.result_shape(dataset.shape())),
      input_bytes_(static_cast<size_t>(result_.elements()) *
                   (dataset.info().is_table() ? sizeof(float) : 1)),
      on_bad_sample_(on_bad_sample) {}

PieceReader::Piece PieceReader::Piece::at(size_t position, size_t input_bytes) const {
  return {.samples = samples.subspan(position, 1),
          .labels = labels.empty() ? labels : labels.subspan(position, 1),
          .targets = targets.empty() ? targets : targets.subspan(position, 1),
          .inputs = inputs + position * input_bytes,
          .key = key};
}

std::vector<BadSample> PieceReader::read(const Piece& piece) {
  std::vector<Problem> problems = try_to_read(piece);
  std::sort(problems.begin(), problems.end(),
            [](const Problem& a, const Problem& b) { return a.position < b.position; });
  std::vector<BadSample> replaced;
  for (Problem& problem : problems) {
    if (on_bad_sample_ == OnBadSample::fail) throw DamagedSample(problem.text);
    const int64_t index = piece.samples[problem.position];
    if (on_bad_sample_ == OnBadSample::mark)
      mark(piece, problem.position);
    else
      replace(piece, problem.position, problem.text);
    replaced.push_back({index, std::move(problem.text)});
  }
  return replaced;
}

std::vector<PieceReader::Problem> PieceReader::try_to_read(const Piece& piece) {
  std::vector<Problem> problems;
  const auto read_one = [&](size_t position, const Sample& sample) {
    const int64_t index = piece.samples[position];
    if (!sample.damage.empty()) {
      problems.push_back({position, sample.damage});
      return;
    }
    try {
      read_input(sample, index, piece.key, piece.inputs + position * input_bytes_);
    } catch (const Error& error) {
      problems.push_back({position, concat(dataset_.place_of(index), ": ", error.what())});
    }
    if (!piece.labels.empty()) piece.labels[position] = sample.label;
    if (!piece.targets.empty()) piece.targets[position] = sample.target;
  };
  dataset_.visit(piece.samples, read_one, OnDamage::visit);
  return problems;
}

void PieceReader::read_input(const Sample& sample, int64_t index, RngKey key, uint8_t* input) {
  const bool is_row = dataset_.info().is_table();
  check(is_row == (sample.encoding == Encoding::values), "expected ",
        is_row ? "the values of a row" : "an image", ", found ", to_string(sample.encoding));
  if (!is_row) return read_image(sample, index, key, input);
  check(sample.bytes.size() == input_bytes_, "expected ", input_bytes_, " bytes of values, found ",
        sample.bytes.size());
  std::memcpy(input, sample.bytes.data(), input_bytes_);
}

void PieceReader::read_image(const Sample& sample, int64_t index, RngKey key, uint8_t* image) {
  const ImageView view = pipeline_.view(sample.shape, key, index);
  check(view.height == result_[0] && view.width == result_[1], "expected an image of ", result_,
        ", found ", sample.shape);
  if (sample.encoding == Encoding::pixels && sample.shape == result_ && is_whole(view)) {
    check(sample.bytes.size() == input_bytes_, "expected ", input_bytes_,
          " bytes of pixels, found ", sample.bytes.size());
    std::memcpy(image, sample.bytes.data(), input_bytes_);
  } else {
    views_.read(sample, view, result_[2], image);
  }
  if (pipeline_.finishes()) pipeline_.finish(image, result_, key, index);
}

void PieceReader::mark(const Piece& piece, size_t position) const {
  piece.samples[position] = kMarked;
  if (!piece.labels.empty()) piece.labels[position] = 0;
  if (!piece.targets.empty()) piece.targets[position] = 0;
  std::memset(piece.inputs + position * input_bytes_, 0, input_bytes_);
}

void PieceReader::replace(const Piece& piece, size_t position, const std::string& problem) {
  const int64_t damaged = piece.samples[position];
  const int64_t most = std::min(dataset_.samples() - 1, kMostInARow);
  for (int64_t i = 1; i <= most; ++i) {
    piece.samples[position] = (damaged + i) % dataset_.samples();
    if (try_to_read(piece.at(position, input_bytes_)).empty()) return;
  }
  fail(problem, "; the ", most, " samples after it are damaged too");
}

}  // namespace d2l::data
