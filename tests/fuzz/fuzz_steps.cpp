#include "data/transform/pipeline.h"
#include "tests/fuzz/target.h"

// The text of --augment.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using d2l::data::Pipeline;
  return d2l::fuzz::accepts_or_throws([&] {
    const Pipeline pipeline = Pipeline::parse({reinterpret_cast<const char*>(bytes), size});
    d2l::fuzz::require(Pipeline::parse(pipeline.text()) == pipeline);
  });
}
