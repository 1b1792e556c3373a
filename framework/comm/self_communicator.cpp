#include <cstring>

#include "framework/comm/communicator.h"

namespace d2l {

namespace {

class SelfCommunicator final : public Communicator {
 public:
  SelfCommunicator() : Communicator(0, 1) {}
  std::string describe() const override { return "1 rank"; }
  std::vector<Range> parts(int64_t elements) const override { return {{0, elements}}; }

 private:
  void do_start(Work, const Collective& op) override {
    if (op.kind == Collective::Kind::all_gather && op.mine.bytes() > 0)
      std::memmove(op.data.data, op.mine.data, static_cast<size_t>(op.mine.bytes()));
  }
  void do_wait(Work) override {}
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator() {
  return std::make_unique<SelfCommunicator>();
}

}  // namespace d2l
