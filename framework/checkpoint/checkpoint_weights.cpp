#include "framework/checkpoint/checkpoint_weights.h"

#include <fstream>
#include <string_view>
#include <utility>

#include "framework/checkpoint/index.h"

namespace d2l {
namespace {

// How a checkpoint names what a network consists of, and the prefix that replaces it.
constexpr std::pair<std::string_view, std::string_view> kParts[] = {
    {"parameters/", ""}, {"buffers/", ""}, {"ema/parameters/", "ema."}, {"ema/buffers/", "ema."}};

class CheckpointWeights final : public weights::WeightFile {
 public:
  explicit CheckpointWeights(CheckpointStore::Found checkpoint)
      : WeightFile(checkpoint.path, "d2l checkpoint", weights::Layout::channels_last),
        snapshot_(std::move(checkpoint.snapshot)) {
    for (const auto& [name, array] : snapshot_.arrays)
      for (const auto& [part, prefix] : kParts) {
        if (!name.starts_with(part) || array.dtype != DType::f32) continue;
        add({concat(prefix, name.substr(part.size())), weights::ElementType::f32, array.shape});
        arrays_.push_back(&array);
      }
    for (const auto& [name, text] : snapshot_.texts) add_text(name, text);
  }

 private:
  std::vector<uint8_t> read_bytes(size_t index) const override { return arrays_[index]->bytes; }

  Snapshot snapshot_;
  std::vector<const Snapshot::Array*> arrays_;  // in the order of weights()
};

}  // namespace

bool is_checkpoint(const std::filesystem::path& path) {
  std::string head(kFirstLine.size(), '\0');
  std::ifstream stream(path, std::ios::binary);
  return stream.read(head.data(), static_cast<std::streamsize>(head.size())) && head == kFirstLine;
}

std::unique_ptr<weights::WeightFile> checkpoint_weights(CheckpointStore::Found checkpoint) {
  return std::make_unique<CheckpointWeights>(std::move(checkpoint));
}

}  // namespace d2l
