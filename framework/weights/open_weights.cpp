#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_file.h"
#include "framework/weights/keras_file.h"
#include "framework/weights/numpy_file.h"
#include "framework/weights/safetensors.h"
#include "framework/weights/torch_file.h"
#include "framework/weights/weight_file.h"

namespace d2l::weights {
namespace {

constexpr const char* kExpected =
    "expected a file of weights (safetensors, PyTorch, Keras, .npy or .npz)";

// Files that people download or choose by mistake.
struct KnownStart {
  std::string_view start;
  const char* kind;
};
constexpr KnownStart kKnownStarts[] = {
    {"version https://git-lfs",
     "a pointer of Git LFS, which stands for the file: fetch the file with `git lfs pull`"},
    {"\x1f\x8b", "a file compressed by gzip: unpack it first"},
    {"\xfd"
     "7zXZ",
     "a file compressed by xz: unpack it first"},
    {"BZh", "a file compressed by bzip2: unpack it first"},
    {"(\xb5/\xfd", "a file compressed by zstd: unpack it first"},
    {"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
    {"GGUF", "a GGUF file"},
};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_html(std::string_view start) {
  const size_t begin = start.find_first_not_of("\xef\xbb\xbf \t\r\n");
  std::string word(begin == start.npos ? "" : start.substr(begin, 14));
  std::transform(word.begin(), word.end(), word.begin(), lower);
  return word.starts_with("<!doctype html") || word.starts_with("<html") ||
         word.starts_with("<?xml") || word.starts_with("<head");
}

bool is_text(std::string_view start) {
  return std::all_of(start.begin(), start.end(), [](char letter) {
    const auto byte = static_cast<uint8_t>(letter);
    return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_tar(std::string_view start) {
  return start.size() >= 262 && start.substr(257, 5) == "ustar";
}

std::string hexadecimal(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char letter : bytes) {
    const auto byte = static_cast<uint8_t>(letter);
    if (!text.empty()) text += ' ';
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

// What the file is instead of a file of weights.
std::string kind_of(std::string_view start) {
  constexpr size_t kShown = 24;
  for (const KnownStart& known : kKnownStarts)
    if (start.starts_with(known.start)) return known.kind;
  if (is_html(start))
    return "an HTML or XML page: the download has got an answer of the server, not the file";
  if (is_tar(start)) return "a tar archive: unpack it first";
  if (is_text(start)) return concat("a text that begins with '", start.substr(0, kShown), "'");
  return concat("a file that begins with the bytes ", hexadecimal(start.substr(0, 8)));
}

// The first 8 bytes of a safetensors file are the length of its header, which begins with a brace.
bool is_safetensors(std::string_view start) {
  return start.size() >= 9 && start[8] == '{' &&
         start.substr(4, 4) == std::string_view("\0\0\0\0", 4);
}

std::unique_ptr<WeightFile> open_zip(const std::filesystem::path& path) {
  auto zip = std::make_unique<const ZipFile>(path);
  const auto& entries = zip->entries();
  const auto is_folder = [](const auto& entry) { return entry.name.ends_with("/"); };
  const auto is_array = [](const auto& entry) { return entry.name.ends_with(".npy"); };
  const auto is_pickle = [](const auto& entry) {
    return entry.name == "data.pkl" || entry.name.ends_with("/data.pkl");
  };
  if (std::any_of(entries.begin(), entries.end(), is_pickle)) return open_torch_zip(std::move(zip));
  if (zip->find(kKerasEntry) != nullptr) return open_keras_zip(std::move(zip));
  const auto other = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return !is_folder(entry) && !is_array(entry);
  });
  if (other == entries.end() && std::any_of(entries.begin(), entries.end(), is_array))
    return open_npz(std::move(zip));
  fail(path.string(), ": ", kExpected, ", found ",
       other == entries.end() ? "a ZIP archive without files"
                              : concat("a ZIP archive with '", other->name, "'"));
}

}  // namespace

std::unique_ptr<WeightFile> open_weights(const std::filesystem::path& path) {
  std::vector<uint8_t> bytes;
  {
    const ByteFile file(path);
    check(file.size() > 0, path.string(), ": ", kExpected, ", found an empty file");
    bytes = file.read(0, std::min<uint64_t>(file.size(), 512));
  }
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_safetensors(start)) return open_safetensors(path);
  if (start.starts_with("\x89HDF\r\n")) return open_keras(path);
  if (start.starts_with("\x93NUMPY")) return open_npy(path);
  if (start.starts_with("PK\3\4") || start.starts_with("PK\5\6")) return open_zip(path);
  if (start.starts_with('\x80')) return open_torch_legacy(path);
  fail(path.string(), ": ", kExpected, ", found ", kind_of(start));
}

}  // namespace d2l::weights
