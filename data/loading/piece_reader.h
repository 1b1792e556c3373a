#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/transform/pipeline.h"
#include "data/transform/view.h"
#include "framework/base/rng.h"

namespace d2l::data {

// What to do with a sample whose bytes are damaged or cannot be decoded.
enum class OnBadSample {
  fail,  // throw Error
  skip,  // read the next good sample of the dataset instead; sample 0 follows the last one
  mark,  // the input and the target are 0 and the sample's number kMarked; however many there are
};

inline constexpr int64_t kMarked = -1;

// A sample that another one has replaced, or that is marked.
struct BadSample {
  int64_t index = 0;
  std::string problem;  // the sample's place, and what is wrong
};

// Reads a few samples of a batch: from the dataset, through the steps of the host, to memory. Owns
// reusable memory; one per thread.
class PieceReader {
 public:
  // A part of a batch. All spans have one element per sample.
  struct Piece {
    std::span<int64_t> samples;  // numbers in the dataset; a replacement changes its number
    std::span<int64_t> labels;   // result, if the dataset has labels
    std::span<float> targets;    // result, if it has numbers
    uint8_t* inputs = nullptr;   // result: pixels of images, f32 values of rows
    RngKey key;                  // of the random values; with the sample's number

    Piece at(size_t position, size_t input_bytes) const;
  };

  // `dataset` must outlive the reader. Throws Error if the pipeline does not fit its samples.
  PieceReader(const Dataset& dataset, const Pipeline& pipeline, OnBadSample on_bad_sample);

  // Returns the samples that were replaced or marked, in the order of the piece. Throws Error for a
  // damaged sample with OnBadSample::fail, if no replacement is found, and if the data cannot be
  // read.
  std::vector<BadSample> read(const Piece& piece);

 private:
  struct Problem {
    size_t position = 0;
    std::string text;
  };

  std::vector<Problem> try_to_read(const Piece& piece);
  void read_input(const Sample& sample, int64_t index, RngKey key, uint8_t* input);
  void read_image(const Sample& sample, int64_t index, RngKey key, uint8_t* image);
  void mark(const Piece& piece, size_t position) const;
  void replace(const Piece& piece, size_t position, const std::string& problem);

  const Dataset& dataset_;
  Pipeline pipeline_;
  Shape result_;  // of an input
  size_t input_bytes_;
  OnBadSample on_bad_sample_;
  ViewReader views_;
};

}  // namespace d2l::data
