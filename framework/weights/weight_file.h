#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::weights {

// The element types that files of weights have.
enum class ElementType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::string to_string(ElementType type);  // "bf16"
size_t size_of(ElementType type);         // bytes per element

// The order of the axes of convolutions' and matrices' weights and of flattened images.
enum class Layout {
  channels_first,  // PyTorch: [out, in, height, width], c h w
  channels_last,   // d2l: [out, height, width, in], h w c
  outputs_last     // Keras: [height, width, in, out], of matrices [in, out], h w c
};

struct WeightInfo {
  std::string name;  // "layer1.0.conv1.weight"; names of nested dictionaries are joined by dots
  ElementType type = ElementType::f32;
  Shape shape;  // in the order of axes that the file has
};

// A file of named arrays. When it is open, its directory has been checked: names are unique and
// every array lies inside the file. Elements are read on demand.
class WeightFile {
 public:
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;
  virtual ~WeightFile() = default;

  const std::filesystem::path& path() const { return path_; }
  const std::string& format() const { return format_; }  // "safetensors", "PyTorch"
  Layout layout() const { return layout_; }
  const std::vector<WeightInfo>& weights() const { return weights_; }
  // Why the arrays are not known to be in the order of the network's layers; empty if they are.
  // Only for files whose names mean nothing to a network (Layout::outputs_last).
  const std::string& order_fault() const { return order_fault_; }
  // What else the file says, such as its metadata.
  const std::map<std::string, std::string>& texts() const { return texts_; }

  // The elements of weights()[index], row-major, converted to f32 with rounding to nearest. Throws
  // Error that names the file and the array if they cannot be read, are damaged, or are finite but
  // too large for f32.
  std::vector<float> read(size_t index) const;

 protected:
  WeightFile(std::filesystem::path path, std::string format, Layout layout = Layout::channels_first)
      : path_(std::move(path)), format_(std::move(format)), layout_(layout) {}
  // Throws Error for a name that is already there and for more elements than 2^40; an axis of size
  // 0 does not count there, so that the elements of any of the axes can be counted.
  void add(WeightInfo info);
  void set_order_fault(std::string fault) { order_fault_ = std::move(fault); }
  void add_text(const std::string& name, std::string text) { texts_[name] = std::move(text); }

 private:
  // The elements as little-endian bytes, row-major.
  virtual std::vector<uint8_t> read_bytes(size_t index) const = 0;

  std::filesystem::path path_;
  std::string format_;
  Layout layout_;
  std::string order_fault_;
  std::vector<WeightInfo> weights_;
  std::unordered_set<std::string> names_;
  std::map<std::string, std::string> texts_;
};

// Opens a file by its content, whatever its name is. Throws Error with one line: a folder, an empty
// or damaged file, and a file that is none of the known formats.
std::unique_ptr<WeightFile> open_weights(const std::filesystem::path& path);

}  // namespace d2l::weights
