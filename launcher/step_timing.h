#pragma once

#include <utility>

#include "framework/backend/backend.h"
#include "framework/base/timer.h"
#include "framework/comm/communicator.h"
#include "framework/comm/exchange_plan.h"
#include "framework/tensor/batch.h"
#include "framework/train/step_model.h"

namespace d2l::launcher {

// Stands for the other ranks of a job: operations end at once and change nothing. Records when a
// step starts them and waits for them.
class TimingCommunicator final : public Communicator {
 public:
  // `backend`: the one that computes. On a GPU it is waited for at each event of a timeline, so
  // that the times are its own and not those of the host, which queues work ahead.
  TimingCommunicator(int rank, int size, Backend& backend)
      : Communicator(rank, size), backend_(backend) {}

  std::string describe() const override { return "no other ranks"; }
  std::vector<Range> parts(int64_t elements) const override {
    return parts_of(rank(), size(), elements);
  }

  // Between these calls, events are recorded.
  void begin();
  StepTimeline end();

 private:
  void do_start(Work work, const Collective& op) override;
  void do_wait(Work work) override;
  double seconds_since_last();

  Backend& backend_;
  bool records_ = false;
  Timer timer_;
  double last_ = 0;
  StepTimeline timeline_;
};

// Returns the same batch again and again, so that steps can be timed without loading data.
class RepeatedBatch final : public BatchSource {
 public:
  RepeatedBatch(Batch batch, int64_t steps_per_epoch)
      : batch_(std::move(batch)), steps_(steps_per_epoch) {}

  int64_t samples() const override { return steps_ * batch_.global_size; }
  int64_t steps_per_epoch() const override { return steps_; }
  int64_t largest_part() const override { return batch_.size(); }
  void seek(int64_t, int64_t) override {}
  Batch next() override { return batch_; }

 private:
  Batch batch_;
  int64_t steps_;
};

}  // namespace d2l::launcher
