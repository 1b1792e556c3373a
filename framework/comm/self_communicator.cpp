#include <cstring>

#include "framework/comm/arguments.h"
#include "framework/comm/communicator.h"

namespace d2l {

namespace {

class SelfCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string describe() const override { return "1 rank"; }

  Work start_all_reduce(View data) override {
    check_all_reduce(data);
    return ++started_;
  }
  void wait(Work work) override { check_work(work, started_); }

  void broadcast(View, int root) override { check_root(root, 1); }
  void all_gather(ConstView mine, View all) override {
    check_all_gather(mine, all, 1);
    if (mine.bytes() > 0 && all.data != mine.data)
      std::memmove(all.data, mine.data, static_cast<size_t>(mine.bytes()));
  }
  void barrier() override {}

 private:
  Work started_ = 0;
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator() {
  return std::make_unique<SelfCommunicator>();
}

}  // namespace d2l
