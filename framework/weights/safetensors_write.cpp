#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/weights/safetensors.h"
#include "framework/weights/safetensors_header.h"

namespace d2l::weights {
namespace {

constexpr const char* kMetadata = "__metadata__";

std::string quoted(const std::string& text, const std::string& path) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail("cannot write ", path, ": '", text, "' is not valid UTF-8");
  }
}

std::string metadata_text(const std::map<std::string, std::string>& metadata,
                          const std::string& path) {
  std::string text;
  for (const auto& [key, value] : metadata)
    text += concat(text.empty() ? "" : ",", quoted(key, path), ":", quoted(value, path));
  return concat(quoted(kMetadata, path), ":{", text, "}");
}

std::string dtype_text(const WeightToWrite& array) {
  check(array.type == ElementType::f32 || array.type == ElementType::i64, "cannot write array '",
        array.name, "': expected f32 or i64, found ", to_string(array.type));
  return array.type == ElementType::f32 ? "F32" : "I64";
}

std::string header_text(const std::vector<WeightToWrite>& arrays,
                        const std::map<std::string, std::string>& metadata,
                        const std::string& path) {
  std::string text = metadata.empty() ? "" : metadata_text(metadata, path);
  std::unordered_set<std::string> names;
  uint64_t offset = 0;
  for (const WeightToWrite& array : arrays) {
    check(array.name != kMetadata, "cannot write ", path, ": the name ", kMetadata, " is reserved");
    check(names.insert(array.name).second, "cannot write ", path, ": the name '", array.name,
          "' is there twice");
    std::string sizes;
    for (const int64_t size : array.shape) sizes += concat(sizes.empty() ? "" : ",", size);
    const uint64_t end =
        offset + static_cast<uint64_t>(array.shape.elements()) * size_of(array.type);
    text += concat(text.empty() ? "" : ",", quoted(array.name, path), R"(:{"dtype":")",
                   dtype_text(array), R"(","shape":[)", sizes, R"(],"data_offsets":[)", offset, ",",
                   end, "]}");
    offset = end;
  }
  text = concat("{", text, "}");
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the elements begin at a multiple of 8 bytes
  check(text.size() <= kMostSafetensorsHeader, "cannot write ", path, ": the header has ",
        text.size(), " bytes, the format allows ", kMostSafetensorsHeader);
  return text;
}

// A new file that is written from its beginning to its end.
class OutputFile {
 public:
  // `name` is the path in error messages.
  OutputFile(const std::filesystem::path& path, std::string name)
      : name_(std::move(name)),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) refuse(errno);
  }
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, size_t bytes) {
    const int error = write_all(descriptor_, data, bytes);
    if (error != 0) refuse(error);
  }
  void close() {
    if (::close(std::exchange(descriptor_, -1)) != 0) refuse(errno);
  }

 private:
  [[noreturn]] void refuse(int error) const { fail_with(error, concat("cannot write ", name_)); }

  std::string name_;
  int descriptor_;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<WeightToWrite>& arrays,
                       const std::map<std::string, std::string>& metadata) {
  const std::string name = path.string();
  const std::string header = header_text(arrays, metadata, name);
  replace_file(path, [&](const std::filesystem::path& temporary) {
    OutputFile file(temporary, name);
    const uint64_t length = header.size();
    file.write(&length, sizeof length);
    file.write(header.data(), header.size());
    for (const WeightToWrite& array : arrays) {
      const std::vector<float> values = array.values();
      check(values.size() == static_cast<size_t>(array.shape.elements()), "cannot write ", name,
            ": array '", array.name, "' has ", values.size(), " elements, expected ", array.shape);
      if (array.type == ElementType::i64) {
        const std::vector<int64_t> numbers(values.begin(), values.end());
        file.write(numbers.data(), numbers.size() * sizeof(int64_t));
      } else {
        file.write(values.data(), values.size() * sizeof(float));
      }
    }
    file.close();
  });
}

}  // namespace d2l::weights
