#include "framework/checkpoint/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "framework/tensor/create.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A model with state of every kind.
struct Model {
  Tensor weight = from_vector<float>(cpu(), {2, 2}, {1, 2, 3, 4});
  Tensor labels = from_vector<int64_t>(cpu(), {3}, {5, 6, 7});
  Tensor nothing = zeros(cpu(), {0, 4});
  int64_t step = 12;
  double loss = 0.5;

  VisitState visit() {
    return [this](StateVisitor& visitor) {
      visitor.tensor("parameters/weight", weight);
      visitor.tensor("data/labels", labels);
      visitor.tensor("data/nothing", nothing);
      visitor.integer("progress/step", step);
      visitor.real("progress/loss", loss);
    };
  }
  Model& clear() {
    weight = zeros(cpu(), {2, 2});
    labels = zeros(cpu(), {3}, DType::i64);
    step = 0;
    loss = 0;
    return *this;
  }
};

TEST(Snapshot, TakesACopyOfEverything) {
  Model model;
  Snapshot snapshot = take_snapshot(model.visit());
  model.clear();
  EXPECT_EQ(snapshot.arrays.size(), 3u);
  EXPECT_EQ(snapshot.arrays.at("parameters/weight").bytes,
            array_of<float>({2, 2}, {1, 2, 3, 4}).bytes);
  EXPECT_EQ(snapshot.arrays.at("data/labels").dtype, DType::i64);
  EXPECT_EQ(snapshot.arrays.at("data/nothing").shape, (Shape{0, 4}));
  EXPECT_EQ(snapshot.integers.at("progress/step"), 12);
  EXPECT_EQ(snapshot.reals.at("progress/loss"), 0.5);
}

TEST(Snapshot, RestoresInPlace) {
  Model model, other;
  Snapshot snapshot = take_snapshot(model.visit());
  other.clear();
  Tensor alias = other.weight;
  restore_snapshot(snapshot, "a.h5", other.visit());
  EXPECT_TRUE(close(alias, {1, 2, 3, 4}));
  EXPECT_EQ(other.labels.to_vector<int64_t>(), (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(other.step, 12);
  EXPECT_EQ(other.loss, 0.5);
}

TEST(Snapshot, TextsAreNotState) {
  Model model;
  Snapshot snapshot = take_snapshot(model.visit());
  snapshot.texts["config"] = "anything";
  EXPECT_NO_THROW(restore_snapshot(snapshot, "a.h5", model.visit()));
}

// Takes a snapshot, lets `edit` damage it, and returns the error; nothing may be overwritten.
std::string refusal(const std::function<void(Snapshot&)>& edit) {
  Model model;
  Snapshot snapshot = take_snapshot(model.visit());
  edit(snapshot);
  model.clear();
  std::string message = message_of([&] { restore_snapshot(snapshot, "runs/a.h5", model.visit()); });
  EXPECT_THAT(message, StartsWith("runs/a.h5: "));
  EXPECT_TRUE(close(model.weight, {0, 0, 0, 0})) << message;
  EXPECT_EQ(model.labels.to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 0})) << message;
  EXPECT_EQ(model.step, 0) << message;
  return message;
}

TEST(Snapshot, WhatDoesNotFitIsNamedAndNothingIsOverwritten) {
  EXPECT_THAT(refusal([](Snapshot& s) { s.arrays.erase("data/labels"); }),
              HasSubstr("missing: data/labels (i64 [3])"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.integers.erase("progress/step"); }),
              HasSubstr("missing: progress/step (an integer)"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.reals.erase("progress/loss"); }),
              HasSubstr("missing: progress/loss (a real)"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.arrays["parameters/bias"] = ramp({2}); }),
              HasSubstr("unused: parameters/bias"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.integers["progress/epoch"] = 1; }),
              HasSubstr("unused: progress/epoch"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.arrays["parameters/weight"] = ramp({4}); }),
              HasSubstr("parameters/weight: expected f32 [2, 2], found f32 [4]"));
  EXPECT_THAT(refusal([](Snapshot& s) { s.arrays["data/labels"] = ramp({3}); }),
              HasSubstr("data/labels: expected i64 [3], found f32 [3]"));
  EXPECT_THAT(refusal([](Snapshot& s) {
                s.integers.erase("progress/step");
                s.reals["progress/step"] = 1;
              }),
              HasSubstr("progress/step: expected an integer, found an entry of another kind"));
}

TEST(Snapshot, RenamedPiecesGetASuggestion) {
  EXPECT_THAT(refusal([](Snapshot& s) {
                s.arrays["parameters/weights"] = s.arrays.at("parameters/weight");
                s.arrays.erase("parameters/weight");
              }),
              HasSubstr("missing: parameters/weight (f32 [2, 2]), the most similar name is "
                        "parameters/weights"));
}

TEST(Snapshot, AnotherModelIsRecognised) {
  std::string message = refusal([](Snapshot& s) {
    s = sample_snapshot();
    s.texts["config"] = "seed = 1\nmodel = resnet18\nlr = 0.1\n";
  });
  EXPECT_THAT(message, HasSubstr("only 0 of 3 arrays fit: this looks like another model's"));
  EXPECT_THAT(message, HasSubstr("'model = resnet18'"));
  EXPECT_THAT(message, HasSubstr(" more"));
}

TEST(Snapshot, OneNameOnce) {
  int64_t n = 0;
  auto twice = [&](StateVisitor& visitor) {
    visitor.integer("n", n);
    visitor.integer("n", n);
  };
  EXPECT_THAT(message_of([&] { take_snapshot(twice); }), HasSubstr("named n"));
}

// --- diff ---

TEST(Diff, EqualStatesHaveNone) {
  Snapshot a = sample_snapshot(), b = sample_snapshot();
  b.texts["config"] = "another";
  EXPECT_THAT(diff_snapshots(a, b), IsEmpty());
  float nan = std::numeric_limits<float>::quiet_NaN();
  a.arrays["nan"] = b.arrays["nan"] = array_of<float>({2}, {nan, 1});
  EXPECT_THAT(diff_snapshots(a, b), IsEmpty());
  EXPECT_THAT(diff_snapshots(a, b, 1e-6), IsEmpty());
}

TEST(Diff, NamesPiecesWithTheirLargestDifferences) {
  Snapshot a, b;
  a.arrays["w"] = array_of<float>({3}, {1, 2, 4});
  b.arrays["w"] = array_of<float>({3}, {1, 2.5f, 5});
  a.integers["step"] = 3;
  b.integers["step"] = 4;
  a.reals["loss"] = 1;
  b.reals["loss"] = 2;
  EXPECT_THAT(diff_snapshots(a, b),
              ElementsAre("loss: 1 against 2, differs, absolute difference up to 1, relative up to "
                          "0.5",
                          "step: 3 against 4",
                          "w: 2 of 3 elements differ, absolute difference up to 1, relative up to "
                          "0.2"));
}

TEST(Diff, OneSidedPiecesShapesAndDtypes) {
  Snapshot a, b;
  a.arrays["only.a"] = ramp({1});
  b.integers["only.b"] = 1;
  a.arrays["shape"] = ramp({2, 3});
  b.arrays["shape"] = ramp({3, 2});
  a.arrays["type"] = array_of<float>({1}, {0});
  b.arrays["type"] = array_of<int32_t>({1}, {0});
  EXPECT_THAT(diff_snapshots(a, b, 0.5),
              ElementsAre("only.a: only in the first", "only.b: only in the second",
                          "shape: f32 [2, 3] against f32 [3, 2]", "type: f32 [1] against i32 [1]"));
}

TEST(Diff, BitsCountWithoutATolerance) {
  Snapshot a, b;
  a.arrays["w"] = array_of<float>({2}, {0.0f, 1.0f});
  b.arrays["w"] = array_of<float>({2}, {-0.0f, std::nextafter(1.0f, 2.0f)});
  EXPECT_THAT(diff_snapshots(a, b), ElementsAre(HasSubstr("2 of 2 elements differ")));
  EXPECT_THAT(diff_snapshots(a, b, 1e-6), IsEmpty());
}

TEST(Diff, ToleranceIsRelativeToElementOrArray) {
  Snapshot a, b;
  a.arrays["w"] = array_of<float>({4}, {10, 10, 10, 0});  // root mean square 8.66
  b.arrays["w"] = array_of<float>({4}, {10, 10, 10, 0.008f});
  EXPECT_THAT(diff_snapshots(a, b, 1e-3), IsEmpty());
  b.arrays["w"] = array_of<float>({4}, {10, 10, 10, 0.009f});
  EXPECT_THAT(diff_snapshots(a, b, 1e-3), Not(IsEmpty()));
  b.arrays["w"] = array_of<float>({4}, {10.009f, 10, 10, 0});
  EXPECT_THAT(diff_snapshots(a, b, 1e-3), IsEmpty());
  a.arrays["w"] = array_of<int64_t>({1}, {1000000});
  b.arrays["w"] = array_of<int64_t>({1}, {1000001});
  EXPECT_THAT(diff_snapshots(a, b, 1e-3), Not(IsEmpty()));
}

TEST(Diff, NothingThatIsNotFinitePasses) {
  float nan = std::numeric_limits<float>::quiet_NaN(), infinity = INFINITY;
  for (auto [x, y] : {std::pair{nan, 1.0f}, {infinity, 1.0f}, {infinity, -infinity}}) {
    Snapshot a, b;
    a.arrays["w"] = array_of<float>({2}, {x, 1});
    b.arrays["w"] = array_of<float>({2}, {y, 1});
    EXPECT_THAT(diff_snapshots(a, b, 0.9), ElementsAre(HasSubstr("up to inf"))) << x << " " << y;
    EXPECT_THAT(diff_snapshots(b, a, 0.9), ElementsAre(HasSubstr("up to inf"))) << x << " " << y;
  }
}

}  // namespace
}  // namespace d2l::test
