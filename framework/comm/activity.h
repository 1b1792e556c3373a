#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "framework/comm/collective.h"

namespace d2l {

enum class Doing : uint32_t {
  starting,  // before its first step
  loading,   // waits for a batch
  computing,
  evaluating,
  saving,
  recording,  // writes metrics.csv and log.txt
  ending,
};

// What a rank is doing and how far it is. Ranks send it to each other as bytes.
struct RankProgress {
  Doing doing = Doing::starting;
  uint32_t waits = 0;       // 1: for other ranks, in a collective
  int32_t first_rank = 0;   // the number in the job of the first of the ranks that train together
  int32_t root = 0;         // of the collective
  double still = 0;         // seconds since it last got on
  int64_t step = 0;         // the one that it works on
  int64_t collectives = 0;  // started so far
  Collective::Kind kind = Collective::Kind::all_reduce;  // of the last one, if there is any
  DType dtype = DType::f32;
  std::array<char, 3> unused = {};
  int64_t elements = 0, own_elements = 0;

  // Of the current training.
  int64_t steps = 0;         // done
  double step_seconds = 0;   // in them, without waiting for other ranks
  double data_seconds = 0;   // waiting for batches
  double whole_seconds = 0;  // in them, with all waiting
  double usual_seconds = 0;  // of a step, with all waiting; an average over the last ones

  std::string doing_text() const;       // "loading data"
  std::string collective_text() const;  // "1,204 (all-reduce of 61,706 f32)" or "none"
};

// What this rank is doing. The thread that trains writes it, and any thread reads it. Costs a few
// atomic stores; nothing waits.
class Activity {
 public:
  // A training begins among the ranks from `first_rank` on.
  void restart(int first_rank);
  void begin(Doing doing);
  // While it exists, the rank does something else.
  class During {
   public:
    During(Activity& activity, Doing doing) : activity_(activity), before_(activity.doing()) {
      activity_.begin(doing);
    }
    ~During() { activity_.begin(before_); }
    During(const During&) = delete;
    During& operator=(const During&) = delete;

   private:
    Activity& activity_;
    Doing before_;
  };
  void begin_step(int64_t step) { set(step_, step); }
  // A step is done: its time in seconds without waiting for batches and other ranks, the time that
  // it waited for its batch, and all of its time.
  void end_step(double own, double data, double whole);

  void started(const Collective& op);
  void begin_wait();  // for other ranks
  void end_wait();
  double waited() const { return waited_; }  // seconds, in total

  Doing doing() const { return doing_; }
  RankProgress read() const;

 private:
  template <class Value>
  static void set(std::atomic<Value>& to, Value value) {
    to.store(value, std::memory_order_release);
  }
  void got_on();

  std::atomic<double> since_ = 0;  // when it last got on. Written before, and read after the rest
  std::atomic<Doing> doing_ = Doing::starting;
  std::atomic<bool> waits_ = false;
  std::atomic<int> first_rank_ = 0, root_ = 0;
  std::atomic<int64_t> step_ = 0, collectives_ = 0, elements_ = 0, own_elements_ = 0, steps_ = 0;
  std::atomic<Collective::Kind> kind_ = Collective::Kind::all_reduce;
  std::atomic<DType> dtype_ = DType::f32;
  std::atomic<double> step_seconds_ = 0, data_seconds_ = 0, whole_seconds_ = 0, usual_seconds_ = 0,
                      waited_ = 0;
};

}  // namespace d2l
