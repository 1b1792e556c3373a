#include <gmock/gmock.h>

#include "framework/tensor/elementwise.h"
#include "tests/backend/cases/compare.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using Floats = std::vector<float>;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(CudaRecording, RepeatsWorkOnTheNumbersThatAreThere) {
  Tensor x = full(gpu(), {1000}, 1.0), y = full(gpu(), {1000}, 0.0);
  auto recording = gpu().record([&] {
    x *= 2;
    y += x * 3.0;  // with temporary memory
  });
  ASSERT_NE(recording, nullptr);
  EXPECT_EQ(x.to_vector<float>(), Floats(1000, 1.0f));  // nothing has run
  recording->replay();
  recording->replay();
  EXPECT_EQ(x.to_vector<float>(), Floats(1000, 4.0f));
  EXPECT_EQ(y.to_vector<float>(), Floats(1000, 18.0f));
  gpu().fill(x.view(), 10);
  recording->replay();
  EXPECT_EQ(y.to_vector<float>(), Floats(1000, 78.0f));
}

TEST(CudaRecording, HoldsProducts) {
  const Tensor a = random_tensor({40, 30}).to(gpu()), b = random_tensor({30, 50}).to(gpu());
  Tensor once(gpu(), {40, 50}), replayed(gpu(), {40, 50});
  gpu().matmul({}, a.view(), b.view(), {}, once.view());
  auto recording = gpu().record([&] { gpu().matmul({}, a.view(), b.view(), {}, replayed.view()); });
  recording->replay();
  EXPECT_EQ(replayed.to_vector<float>(), once.to_vector<float>());
}

// The step of a dropout is read from the device.
TEST(CudaRecording, DropoutDrawsAnew) {
  const Tensor x = full(gpu(), {1000}, 1.0);
  Tensor step(gpu(), {1}, DType::i64), y(gpu(), {1000}), expected(gpu(), {1000});
  const DropoutParams params{.p = 0.5, .key = {3, 4}, .first_element = 8, .step = step.view()};
  auto recording = gpu().record([&] { gpu().dropout(params, x.view(), y.view()); });
  for (int64_t now : {0, 1, 70000}) {
    gpu().fill(step.view(), static_cast<double>(now));
    recording->replay();
    const RngKey key{3, mix(4, static_cast<uint64_t>(now))};
    gpu().dropout({.p = 0.5, .key = key, .first_element = 8}, x.view(), expected.view());
    EXPECT_EQ(y.to_vector<float>(), expected.to_vector<float>()) << now;
  }
}

TEST(CudaRecording, RefusesTheHostsPart) {
  Tensor x = full(gpu(), {10}, 1.0);
  std::vector<float> there(10);
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"copy from the host", [&] { gpu().copy_from_host(there.data(), x.view()); }},
      {"copy to the host", [&] { gpu().copy_to_host(x.view(), there.data()); }},
      {"copy from the host", [&] { gpu().upload_async(there.data(), x.view(), 0); }},
      {"copies from the host", [&] { gpu().await_uploads(); }},
      {"wait", [&] { gpu().synchronize(); }},
      {"event", [&] { gpu().record_event(); }},
      {"another", [&] { gpu().record([] {}); }}};
  for (const auto& [what, call] : cases) {
    auto record = [&, call = call] {
      gpu().record([&] {
        x *= 2;
        call();
      });
    };
    EXPECT_THAT(record, ThrowsMessage<Error>(HasSubstr(what)));
    EXPECT_EQ(x.to_vector<float>(), Floats(10, 1.0f)) << what;  // and continues as before
  }
}

}  // namespace
}  // namespace d2l::test
