#include <gmock/gmock.h>

#include "framework/comm/gradient_reducer.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Records started and awaited operations; sums over a single rank.
class RecordingCommunicator final : public Communicator {
 public:
  explicit RecordingCommunicator(const float* arena) : Communicator(0, 1), arena_(arena) {}
  std::string describe() const override { return "recording"; }
  std::vector<Range> parts(int64_t elements) const override { return {{0, elements / 2}}; }
  void abandon() noexcept override { abandoned = true; }

  std::vector<int64_t> begins, counts;
  std::vector<Work> waited;
  Collective::Kind kind = Collective::Kind::broadcast;
  bool abandoned = false;

 private:
  void do_start(Work, const Collective& op) override {
    kind = op.kind;
    begins.push_back(op.data.as<float>() - arena_);
    counts.push_back(op.data.elements());
  }
  void do_wait(Work work) override { waited.push_back(work); }

  const float* arena_;
};

struct Fixture {
  // Buckets of at most 4, then 8 elements: {0, 1}, {2}, {3, 4}, {5}.
  Fixture()
      : reducer(recorder, {arena.data(), DType::f32, {24}},
                {{0, 2}, {2, 4}, {4, 10}, {10, 14}, {14, 17}, {17, 24}},
                {.sizes = {.first_bytes = 16, .bytes = 32}}) {}
  std::vector<float> arena = std::vector<float>(24, 1.0f);
  RecordingCommunicator recorder{arena.data()};
  GradientReducer reducer;
};

TEST(GradientReducer, FormsBucketsOfNeighbours) {
  Fixture f;
  EXPECT_EQ(f.reducer.buckets(), 4);
  f.reducer.finish();
  EXPECT_THAT(f.recorder.begins, ElementsAre(0, 4, 10, 17));
  EXPECT_THAT(f.recorder.counts, ElementsAre(4, 6, 7, 7));
}

TEST(GradientReducer, StartsBucketsBeforeFinishAndOnlyInOrder) {
  Fixture f;
  f.reducer.ready(2);  // its bucket is complete, but the previous one is not
  EXPECT_TRUE(f.recorder.begins.empty());
  f.reducer.ready(1);
  EXPECT_TRUE(f.recorder.begins.empty());
  f.reducer.ready(0);
  EXPECT_THAT(f.recorder.begins, ElementsAre(0, 4)) << "both start during the backward pass";
  EXPECT_TRUE(f.recorder.waited.empty());
  f.reducer.finish();
  EXPECT_THAT(f.recorder.begins, ElementsAre(0, 4, 10, 17));
  EXPECT_THAT(f.recorder.waited, ElementsAre(1, 2, 3, 4));
}

TEST(GradientReducer, BeginsAnewAfterFinish) {
  Fixture f;
  for (int step = 1; step <= 3; ++step) {
    for (int slot = 5; slot >= 0; --slot) f.reducer.ready(slot);
    f.reducer.finish();
    EXPECT_EQ(f.recorder.begins.size(), static_cast<size_t>(4 * step));
  }
}

TEST(GradientReducer, NamesMisuse) {
  Fixture f;
  f.reducer.ready(3);
  EXPECT_THAT(message_of([&] { f.reducer.ready(3); }), HasSubstr("slot 3 was ready twice"));
  EXPECT_THAT(message_of([&] { f.reducer.ready(6); }), HasSubstr("6 slots"));
  EXPECT_THAT(message_of([&] { f.reducer.ready(-1); }), HasSubstr("-1"));
  const View arena{f.arena.data(), DType::f32, {24}};
  EXPECT_THAT(message_of([&] {
                GradientReducer(f.recorder, arena, {{0, 4}, {3, 8}});
              }),
              HasSubstr("slot 1 expected from element 4"));
  EXPECT_THAT(message_of([&] {
                GradientReducer(f.recorder, arena, {{0, 25}});
              }),
              HasSubstr("array of 24"));
  EXPECT_THAT(message_of([&] {
                GradientReducer(f.recorder, {f.arena.data(), DType::i32, {24}}, {});
              }),
              HasSubstr("i32"));
}

// Frozen slots need no reduction.
TEST(GradientReducer, LeavesOutUnusedSlotsAtTheEndsOfBuckets) {
  std::vector<float> arena(32);
  RecordingCommunicator recorder(arena.data());
  const View all{arena.data(), DType::f32, {32}};
  const std::vector<GradientReducer::Slot> slots = {
      {0, 2, false}, {2, 4}, {4, 12}, {12, 16, false}, {16, 24, false}, {24, 28}, {28, 32, false}};
  const GradientReducer::Options options{.sizes = {.first_bytes = 16, .bytes = 32}};
  GradientReducer reducer(recorder, all, slots, options);
  EXPECT_EQ(reducer.buckets(), 5);
  reducer.ready(2);
  reducer.ready(1);
  EXPECT_THAT(recorder.begins, ElementsAre(2, 4));
  reducer.finish();
  EXPECT_THAT(recorder.begins, ElementsAre(2, 4, 24));
  EXPECT_THAT(recorder.counts, ElementsAre(2, 8, 4));
  EXPECT_EQ(recorder.kind, Collective::Kind::all_reduce);
}

// Then a rank's parts are the same for any slots that are used.
TEST(GradientReducer, ScattersWholeBuckets) {
  std::vector<float> arena(32);
  RecordingCommunicator recorder(arena.data());
  const GradientReducer::Options options{.sizes = {.first_bytes = 16, .bytes = 32},
                                         .scatter = true};
  GradientReducer reducer(recorder, {arena.data(), DType::f32, {32}},
                          {{0, 2, false}, {2, 4}, {4, 12, false}, {12, 20}}, options);
  reducer.finish();
  EXPECT_THAT(recorder.begins, ElementsAre(0, 12));
  EXPECT_THAT(recorder.counts, ElementsAre(4, 8));
  EXPECT_EQ(recorder.kind, Collective::Kind::reduce_scatter);
}

TEST(Buckets, OwnPartsLieInEachBucketAndAllAreGathered) {
  std::vector<float> arena(32);
  RecordingCommunicator recorder(arena.data());
  const auto buckets =
      cut_into_buckets({{0, 2}, {2, 4}, {4, 12}, {16, 24}}, 32, {.first_bytes = 16, .bytes = 32});
  EXPECT_THAT(buckets, ElementsAre(Range{0, 4}, Range{4, 12}, Range{16, 24}));
  EXPECT_THAT(own_parts(buckets, recorder), ElementsAre(Range{0, 2}, Range{4, 8}, Range{16, 20}));
  gather_buckets({arena.data(), DType::f32, {32}}, buckets, recorder);
  EXPECT_THAT(recorder.begins, ElementsAre(0, 4, 16));
  EXPECT_THAT(recorder.waited, ElementsAre(1, 2, 3));
  EXPECT_EQ(recorder.kind, Collective::Kind::gather_parts);
}

TEST(GradientReducer, AbandonsTheCommunicatorInTheMiddleOfAStepOnly) {
  std::vector<float> arena(8);
  RecordingCommunicator recorder(arena.data());
  const View all{arena.data(), DType::f32, {8}};
  {
    GradientReducer reducer(recorder, all, {{0, 8}});
    reducer.ready(0);
    reducer.finish();
  }
  EXPECT_FALSE(recorder.abandoned);
  {
    GradientReducer reducer(recorder, all, {{0, 8}});
    reducer.ready(0);
  }
  EXPECT_TRUE(recorder.abandoned);
}

TEST(GradientReducer, NothingToReduceIsFine) {
  Fixture f;
  GradientReducer empty(f.recorder, {f.arena.data(), DType::f32, {24}}, {});
  empty.finish();
  EXPECT_EQ(empty.buckets(), 0);
  EXPECT_TRUE(f.recorder.begins.empty());
}

TEST(Collective, HasADescription) {
  std::vector<float> all(2000);
  const View data{all.data(), DType::f32, {2, 1000}};
  const Collective sum{Collective::Kind::all_reduce, data};
  EXPECT_EQ(sum.describe(), "all-reduce of 2,000 f32");
  const Collective spread{.kind = Collective::Kind::broadcast, .data = data, .root = 3};
  EXPECT_EQ(spread.describe(), "broadcast of 2,000 f32 from rank 3");
  const Collective gathered{Collective::Kind::all_gather, data,
                            View{all.data(), DType::f32, {1000}}};
  EXPECT_EQ(gathered.describe(), "all-gather of 1,000 f32 from each rank");
}

TEST(SelfCommunicator, IsTheIdentity) {
  auto self = make_self_communicator();
  std::vector<float> values = {1, 2, 3}, all(3);
  self->all_reduce({values.data(), DType::f32, {3}});
  self->broadcast({values.data(), DType::f32, {3}}, 0);
  self->all_gather(View{values.data(), DType::f32, {3}}, {all.data(), DType::f32, {3}});
  self->barrier();
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(all, values);
  EXPECT_EQ(self->size(), 1);
  EXPECT_THAT(message_of([&] {
                self->all_reduce({values.data(), DType::u8, {3}});
              }),
              HasSubstr("found u8"));
  EXPECT_THAT(message_of([&] { self->wait(99); }), HasSubstr("99"));
  EXPECT_THAT(message_of([&] { self->wait(1); }), HasSubstr("waited for before"));
  EXPECT_THAT(message_of([&] {
                self->broadcast({values.data(), DType::f32, {3}}, 1);
              }),
              HasSubstr("root"));
}

}  // namespace
}  // namespace d2l
