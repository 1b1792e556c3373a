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
      elements_(static_cast<size_t>(result_.elements())),
      on_bad_sample_(on_bad_sample) {}

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
      read_image(sample, index, piece.key, piece.images + position * elements_);
    } catch (const Error& error) {
      problems.push_back({position, concat(dataset_.place_of(index), ": ", error.what())});
    }
    piece.labels[position] = sample.label;
  };
  dataset_.visit(piece.samples, read_one, OnDamage::visit);
  return problems;
}

void PieceReader::read_image(const Sample& sample, int64_t index, RngKey key, uint8_t* image) {
  const ImageView view = pipeline_.view(sample.shape, key, index);
  check(view.height == result_[0] && view.width == result_[1], "expected an image of ", result_,
        ", found ", sample.shape);
  if (sample.encoding == Encoding::pixels && sample.shape == result_ && is_whole(view)) {
    check(sample.bytes.size() == elements_, "expected ", elements_, " bytes of pixels, found ",
          sample.bytes.size());
    std::memcpy(image, sample.bytes.data(), elements_);
  } else {
    views_.read(sample, view, result_[2], image);
  }
  if (pipeline_.finishes()) pipeline_.finish(image, result_, key, index);
}

void PieceReader::mark(const Piece& piece, size_t position) const {
  piece.samples[position] = kMarked;
  piece.labels[position] = 0;
  std::memset(piece.images + position * elements_, 0, elements_);
}

void PieceReader::replace(const Piece& piece, size_t position, const std::string& problem) {
  const int64_t damaged = piece.samples[position];
  const int64_t most = std::min(dataset_.samples() - 1, kMostInARow);
  for (int64_t i = 1; i <= most; ++i) {
    piece.samples[position] = (damaged + i) % dataset_.samples();
    const Piece one = {.samples = piece.samples.subspan(position, 1),
                       .labels = piece.labels.subspan(position, 1),
                       .images = piece.images + position * elements_,
                       .key = piece.key};
    if (try_to_read(one).empty()) return;
  }
  fail(problem, "; the ", most, " samples after it are damaged too");
}

}  // namespace d2l::data
