#include "framework/train/loss_scale.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "framework/checkpoint/store.h"
#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/train/objectives/classification.h"
#include "framework/train/trainer.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

// Parameters for a scale: a layer with running statistics.
struct Layers : nn::Sequential {
  Layers() { then_named<nn::Linear>("linear", 3, 2).then_named<nn::BatchNorm>("norm", 2); }
};
struct Small {
  Layers model;
  nn::ParameterSet parameters{model, device(), 0};
};

TEST(LossScale, MovesAsGradScalerDoes) {
  Small small;
  LossScale scale(small.parameters, {.first = 8, .growth_interval = 3});
  std::vector<double> scales;
  for (bool finite : {true, true, true, true, false, true, true, false, false, true, true, true}) {
    scale.end_step(finite);
    scales.push_back(scale.scale());
  }
  EXPECT_EQ(scales, (std::vector<double>{8, 8, 16, 16, 8, 8, 8, 4, 2, 2, 2, 4}));
}

TEST(LossScale, AConstantOneStaysAndEndsAfterManySkips) {
  Small small;
  LossScale scale(small.parameters, {.constant = 3});
  for (int64_t i = 1; i < LossScale::kMostSkipped; ++i) scale.end_step(false);
  EXPECT_FALSE(scale.is_exhausted());
  scale.end_step(true);
  for (int64_t i = 1; i <= LossScale::kMostSkipped; ++i) scale.end_step(false);
  EXPECT_TRUE(scale.is_exhausted());
  EXPECT_EQ(scale.scale(), 3);
}

// Divides the gradients; whether their norm is finite.
bool unscaled_is_finite(LossScale& scale) {
  Tensor norm(device(), Shape{1});
  scale.unscale(norm);
  return std::isfinite(norm.item<float>());
}

TEST(LossScale, MultipliesByADeviceNumberAndDividesExactly) {
  Small small;
  LossScale scale(small.parameters, {.first = 1024});
  Tensor gradient = full(device(), {3}, 0.3);
  scale.multiply(gradient);
  EXPECT_TRUE(close(gradient, full(device(), {3}, 0.3) * 1024, 0, 0));
  small.parameters.gradients().copy_from(full(device(), small.parameters.gradients().shape(), 7));
  EXPECT_TRUE(unscaled_is_finite(scale));
  EXPECT_TRUE(close(small.parameters.gradients(),
                    full(device(), small.parameters.gradients().shape(), 7.0 / 1024), 0, 0));
}

TEST(LossScale, FindsOneNumberThatIsNotFinite) {
  for (double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    Small small;
    LossScale scale(small.parameters, {});
    Tensor& gradients = small.parameters.gradients();
    gradients.copy_from(zeros(device(), gradients.shape()));
    Tensor one = gradients.rows(5, 6);
    one.copy_from(full(device(), {1}, bad));
    EXPECT_FALSE(unscaled_is_finite(scale));
  }
}

TEST(LossScale, GivesRunningStatisticsBack) {
  Small small;
  LossScale scale(small.parameters, {});
  Tensor& buffers = small.parameters.buffers();
  const Tensor before = buffers.clone();
  for (bool finite : {true, false}) {
    buffers.copy_from(before);
    scale.begin_step();
    buffers.copy_from(full(device(), buffers.shape(), std::nan("")));
    scale.end_step(finite);
    EXPECT_EQ(static_cast<bool>(close(buffers, before, 0, 0)), !finite);
  }
}

// Noise with labels that can only be memorised; the inputs of steps [first_wild, behind_wild) are
// too large for f16.
class Noise final : public BatchSource {
 public:
  static constexpr int64_t kBatch = 16;

  explicit Noise(int64_t first_wild = 0, int64_t behind_wild = 0)
      : first_wild_(first_wild), behind_wild_(behind_wild) {}
  int64_t samples() const override { return 4 * kBatch; }
  int64_t steps_per_epoch() const override { return 4; }
  int64_t largest_part() const override { return kBatch; }
  void seek(int64_t epoch, int64_t step) override { next_ = 4 * epoch + step; }
  Batch next() override {
    const auto i = static_cast<uint64_t>(next_ % 4);
    const bool wild = next_ >= first_wild_ && next_ < behind_wild_;
    ++next_;
    std::vector<int64_t> labels(kBatch);
    for (size_t j = 0; j < labels.size(); ++j)
      labels[j] = static_cast<int64_t>(random_below({7, i}, j, 4));
    const RngKey key{.seed = 5, .stream = i};
    return {.inputs = uniform(device(), {kBatch, 8, 8, 1}, key, 0, wild ? 1e6 : 1),
            .targets = from_vector(device(), {kBatch}, labels),
            .global_size = kBatch};
  }

 private:
  int64_t next_ = 0, first_wild_, behind_wild_;
};

// A small network, everything to train it, and a folder for its checkpoints.
struct Training {
  explicit Training(const Noise& data = Noise()) : train_data(data) {
    model.then_named<nn::Conv2d>("conv", 1, 8, nn::Conv2d::Options{.kernel = 3, .padding = 1})
        .then_named<nn::BatchNorm>("norm", 8)
        .then<nn::Activate>(Activation::relu)
        .then<nn::Pool2d>(Pooling::max, 2, 2)
        .then<nn::Flatten>()
        .then_named<nn::Linear>("output", 128, 4);
    parameters.emplace(model, device(), 0);
    optimizer = make_adam(*parameters, {});
  }
  std::unique_ptr<Trainer> trainer(const TrainerOptions& options) {
    auto made = std::make_unique<Trainer>(TrainerParts{.model = model,
                                                       .objective = *objective,
                                                       .parameters = *parameters,
                                                       .optimizer = *optimizer,
                                                       .comm = *comm,
                                                       .train_data = train_data,
                                                       .test_data = &test_data,
                                                       .log = log},
                                          options);
    made->set_files(&store, nullptr);
    return made;
  }
  Snapshot saved() { return CheckpointStore::newest_valid(folder.path(), {})->snapshot; }

  TemporaryFolder folder;
  CheckpointStore store{folder.path(), {}};
  nn::Sequential model;
  std::unique_ptr<Objective> objective = make_classification(device(), {.classes = 4});
  std::optional<nn::ParameterSet> parameters;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Communicator> comm = make_self_communicator();
  Noise train_data, test_data;
  Log log{true};
};

TrainerOptions options(int64_t epochs, DType dtype = DType::f16, double first = 65536) {
  return {.epochs = epochs,
          .log_every = 0,
          .schedule = {.lr = 0.01},
          .ema = 0.9,
          .step = {.activations = dtype, .loss_scale = {.first = first}}};
}

class Fp16 : public testing::Test {
  void SetUp() override {
    if (!device().computes(DType::f16)) GTEST_SKIP() << "f16 needs a GPU";
  }
};

TEST_F(Fp16, LearnsLikeF32) {
  const TrainerReport full = Training().trainer(options(8, DType::f32))->run();
  const TrainerReport half = Training().trainer(options(8, DType::f16, 256))->run();
  ASSERT_EQ(half.losses.size(), 32u);
  EXPECT_LT(full.loss, 0.5 * full.losses[0]);
  EXPECT_NEAR(half.loss, full.loss, 0.1 * full.losses[0]);
  for (size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(half.losses[i], full.losses[i], 0.05 * full.losses[0]) << "step " << i + 1;
}

// Steps 1 to 3 overflow with any network.
TEST_F(Fp16, ASkippedStepLeavesNothingButASmallerScale) {
  Training training;
  const Tensor values = training.parameters->values().clone();
  const Tensor buffers = training.parameters->buffers().clone();
  TrainerOptions three = options(1, DType::f16, 0x1p50);
  three.max_steps = 3;
  const auto trainer = training.trainer(three);
  trainer->run();
  EXPECT_EQ(trainer->state().position.step, 3);
  EXPECT_TRUE(close(training.parameters->values(), values, 0, 0));
  EXPECT_TRUE(close(training.parameters->buffers(), buffers, 0, 0));
  const Snapshot saved = training.saved();
  EXPECT_EQ(saved.reals.at("loss_scale/scale"), 0x1p47);
  EXPECT_EQ(saved.integers.at("optimizer/steps"), 0);
  EXPECT_EQ(saved.arrays.at("ema/parameters/output.weight").bytes,
            saved.arrays.at("parameters/output.weight").bytes);
}

TEST_F(Fp16, AnEnormousScaleFallsAndTrainingGoesOn) {
  Training training;
  const TrainerReport report = training.trainer(options(14, DType::f16, 0x1p36))->run();
  EXPECT_LT(report.loss, 0.7 * report.losses[0]);
  const Snapshot saved = training.saved();
  const double scale = saved.reals.at("loss_scale/scale");
  EXPECT_LT(scale, 0x1p30);
  EXPECT_GT(scale, 1);
  const auto skipped = static_cast<int64_t>(36 - std::log2(scale));
  EXPECT_EQ(saved.integers.at("optimizer/steps"), 14 * 4 - skipped);
}

// One run is interrupted while the scale falls, one after it is stable.
TEST_F(Fp16, AResumedRunHasTheSameBits) {
  Training whole;
  whole.trainer(options(6, DType::f16, 0x1p30))->run();
  const Snapshot wanted = whole.saved();
  for (int64_t epochs : {1, 5}) {
    Training cut, resumed;
    cut.trainer(options(epochs, DType::f16, 0x1p30))->run();
    const Snapshot before = cut.saved();
    EXPECT_EQ(before.integers.at("loss_scale/good_steps") == 0, epochs == 1);
    const auto second = resumed.trainer(options(6, DType::f16, 0x1p30));
    second->restore(before, "cut");
    second->run();
    EXPECT_THAT(diff_snapshots(wanted, resumed.saved()), testing::IsEmpty());
  }
}

// Images that overflow in f16 affect the loss and the running statistics.
TEST_F(Fp16, GoesOnAfterAForwardPassThatOverflows) {
  Training training(Noise(5, 7));
  const TrainerReport report = training.trainer(options(8))->run();
  EXPECT_FALSE(std::isfinite(report.losses[5]));
  EXPECT_TRUE(std::isfinite(report.loss));
  EXPECT_LT(report.loss, report.losses[0]);
  for (float value : training.parameters->buffers().to_vector<float>())
    EXPECT_TRUE(std::isfinite(value));
  EXPECT_LE(training.saved().reals.at("loss_scale/scale"), 65536 / 4);
}

TEST_F(Fp16, EndsWhereNoScaleHelps) {
  Training moving(Noise(0, 1000)), constant(Noise(0, 1000));
  EXPECT_THAT(message_of([&] { moving.trainer(options(50))->run(); }),
              HasSubstr("step 31: fp16 has overflowed in 31 steps in a row, the loss scale is "));
  TrainerOptions fixed = options(50);
  fixed.step.loss_scale.constant = 8;
  EXPECT_THAT(message_of([&] { constant.trainer(fixed)->run(); }),
              HasSubstr("step 32: fp16 has overflowed in 32 steps in a row, the loss scale is 8;"));
}

TEST_F(Fp16, PrecisionsChangeBetweenEpochs) {
  Training first, second, third;
  first.trainer(options(1))->run();
  const auto in_f32 = second.trainer(options(2, DType::f32));
  in_f32->restore(first.saved(), "first");
  in_f32->run();
  EXPECT_FALSE(LossScaleState::is_in(second.saved()));
  const auto in_f16 = third.trainer(options(3));
  in_f16->restore(second.saved(), "second");
  in_f16->run();
  EXPECT_EQ(in_f16->state().position.step, 12);
  EXPECT_EQ(third.saved().integers.at("loss_scale/good_steps"), 4);
}

}  // namespace
}  // namespace d2l::test
