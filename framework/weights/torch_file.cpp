#include "framework/weights/torch_file.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_file.h"
#include "framework/weights/torch_weights.h"

namespace d2l::weights {
namespace {

using Kind = PickleValue::Kind;

uint64_t bytes_of(const PickledStorage& storage) {
  return static_cast<uint64_t>(storage.elements) * size_of(storage.type);
}

// Elements of which no file has so many; fewer cannot overflow when they are counted in bytes.
constexpr int64_t kTooMany = int64_t{1} << 58;

// The entries ARCHIVE/data.pkl, ARCHIVE/byteorder and ARCHIVE/data/KEY. `ARCHIVE` is any name.
class ZippedTorchFile : public TorchWeights {
 public:
  explicit ZippedTorchFile(std::unique_ptr<const ZipFile> zip)
      : TorchWeights(zip->path()), zip_(std::move(zip)) {
    const std::string folder = find_folder();
    check_kind(folder);
    const Pickle pickle = read_pickle(folder + "data.pkl");
    for (const PickledStorage& storage : pickle.storages()) {
      const std::string name = concat(folder, "data/", pickle.content(storage.key));
      const ZipFile::Entry* entry = zip_->find(name);
      check(entry != nullptr, path().string(), ": expected an entry '", name,
            "' with the elements of a storage, found none");
      check(storage.elements < kTooMany && bytes_of(storage) == entry->bytes, path().string(),
            ": entry '", name, "' has ", entry->bytes, " bytes, expected ", storage.elements,
            " elements of ", size_of(storage.type), " bytes");
      storages_.push_back(entry);
    }
    add_pickle(pickle, "data.pkl");
  }

 private:
  // With a slash at its end.
  std::string find_folder() const {
    constexpr std::string_view kName = "data.pkl";
    std::vector<std::string> folders;
    for (const ZipFile::Entry& entry : zip_->entries())
      if (entry.name == kName || entry.name.ends_with("/data.pkl"))
        folders.push_back(entry.name.substr(0, entry.name.size() - kName.size()));
    check(folders.size() == 1, path().string(), ": expected one entry data.pkl, as torch.save() ",
          "writes, found ", folders.size());
    return folders[0];
  }

  void check_kind(const std::string& folder) const {
    const bool is_script = std::any_of(
        zip_->entries().begin(), zip_->entries().end(), [&](const ZipFile::Entry& entry) {
          return entry.name == folder + "constants.pkl" || entry.name.starts_with(folder + "code/");
        });
    check(
        !is_script, path().string(), ": expected a file of tensors, found a TorchScript archive, ",
        "which contains a program. In PyTorch, save its tensors: ", "torch.save(torch.jit.load(\"",
        path().filename().string(), "\").state_dict(), \"weights.pt\")");
    const ZipFile::Entry* order = zip_->find(folder + "byteorder");
    if (order == nullptr) return;
    const std::vector<uint8_t> bytes = zip_->read(*order, 16);
    const std::string text(bytes.begin(), bytes.end());
    check(text == "little", path().string(), ": entry '", order->name,
          "': expected the byte order 'little', found '", text, "'");
  }

  Pickle read_pickle(const std::string& name) const {
    constexpr uint64_t kMostBytes = uint64_t{64} << 20;
    const std::vector<uint8_t> bytes = zip_->read(*zip_->find(name), kMostBytes);
    Pickle pickle(concat(path().string(), ": data.pkl"), bytes.size(),
                  [&](uint64_t begin, std::span<uint8_t> out) {
                    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(begin);
                    std::copy_n(from, out.size(), out.begin());
                  });
    check(pickle.bytes() == bytes.size(), path().string(),
          ": data.pkl: expected the end of the pickle at byte ", pickle.bytes(), ", found ",
          bytes.size() - pickle.bytes(), " more bytes");
    return pickle;
  }

  // Whole entries are verified by their checksum.
  std::vector<uint8_t> read_storage(size_t storage, uint64_t begin, uint64_t count) const override {
    const ZipFile::Entry& entry = *storages_[storage];
    if (count == entry.bytes) return zip_->read(entry, count);
    if (entry.deflated) {
      const std::vector<uint8_t> all = zip_->read(entry, entry.bytes);
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
      return {first, first + static_cast<std::ptrdiff_t>(count)};
    }
    std::vector<uint8_t> bytes(count);
    zip_->read_part(entry, begin, bytes);
    return bytes;
  }

  std::unique_ptr<const ZipFile> zip_;
  std::vector<const ZipFile::Entry*> storages_;
};

// Pickles of a magic number, a version, properties of the machine, the dictionary, and the list of
// keys; then for each key the number of elements (i64) and the elements.
class OldTorchFile : public TorchWeights {
 public:
  explicit OldTorchFile(const std::filesystem::path& path) : TorchWeights(path), file_(path) {
    check_machine();
    const Pickle pickle = next_pickle("dictionary");
    const Pickle keys = next_pickle("list of storages");
    find_storages(pickle, keys);
    add_pickle(pickle, "dictionary");
  }

 private:
  Pickle next_pickle(const char* what) {
    const uint64_t begin = at_;
    Pickle pickle(
        concat(path().string(), ": ", what, " at byte ", begin), file_.size() - begin,
        [&](uint64_t offset, std::span<uint8_t> out) { file_.read(begin + offset, out); });
    at_ += pickle.bytes();
    return pickle;
  }

  void check_machine() {
    constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
    const Pickle magic = next_pickle("magic number");
    check(magic.root().is(Kind::big_integer) && magic.content(magic.root()) == kMagic,
          path().string(), ": expected a file of torch.save(), which begins with a magic number, ",
          "found a pickle of ", to_string(magic.root().kind));
    const Pickle version = next_pickle("version");
    check(version.root().is(Kind::integer) && version.root().payload == 1001, path().string(),
          ": expected version 1001 of PyTorch's format, found ",
          version.root().is(Kind::integer) ? std::to_string(version.root().payload)
                                           : to_string(version.root().kind));
    const Pickle machine = next_pickle("properties");
    check(machine.root().is(Kind::dictionary), path().string(),
          ": expected a dictionary of the machine's properties, found ",
          to_string(machine.root().kind));
    const auto& items = machine.items(machine.root());
    for (size_t i = 0; i < items.size(); i += 2)
      if (items[i].is(Kind::text) && machine.content(items[i]) == "little_endian")
        check(items[i + 1].is(Kind::boolean) && items[i + 1].payload == 1, path().string(),
              ": expected the byte order little_endian, found another one");
  }

  void find_storages(const Pickle& pickle, const Pickle& keys) {
    struct Block {
      const PickledStorage* storage;
      uint64_t begin = 0;
    };
    std::unordered_map<std::string_view, Block> blocks;
    for (const PickledStorage& storage : pickle.storages()) {
      const auto block = blocks.insert({pickle.content(storage.key), {&storage}}).first->second;
      check(block.storage->type == storage.type && block.storage->elements == storage.elements,
            path().string(), ": storage '", pickle.content(storage.key), "' has ",
            block.storage->elements, " elements of type ", to_string(block.storage->type),
            " and then ", storage.elements, " of type ", to_string(storage.type));
    }
    check(keys.root().is(Kind::list), path().string(), ": expected a list of storages, found ",
          to_string(keys.root().kind));
    for (const PickleValue& key : keys.items(keys.root())) {
      check(key.is(Kind::text), path().string(),
            ": expected strings in the list of storages, found ", to_string(key.kind));
      const auto block = blocks.find(keys.content(key));
      check(block != blocks.end() && block->second.begin == 0, path().string(), ": storage '",
            keys.content(key), "' in the list of storages is ",
            block == blocks.end() ? "not used by a tensor" : "there twice");
      block->second.begin = skip_block(*block->second.storage, std::string(block->first));
    }
    check(at_ == file_.size(), path().string(), ": expected the end of the file at byte ", at_,
          ", found ", file_.size() - at_, " more bytes");
    for (const PickledStorage& storage : pickle.storages()) {
      const uint64_t begin = blocks.at(pickle.content(storage.key)).begin;
      check(begin > 0, path().string(), ": storage '", pickle.content(storage.key),
            "' is not in the list of storages");
      begins_.push_back(begin);
    }
  }

  // Returns where the elements begin.
  uint64_t skip_block(const PickledStorage& storage, const std::string& key) {
    int64_t count = 0;
    file_.read(at_, {reinterpret_cast<uint8_t*>(&count), sizeof(count)});
    at_ += sizeof(count);
    check(count == storage.elements, path().string(), ": storage '", key, "' has ", count,
          " elements, expected ", storage.elements);
    const uint64_t left = file_.size() - at_;
    check(count < kTooMany && bytes_of(storage) <= left, path().string(), ": storage '", key,
          "' needs ", count, " elements of ", size_of(storage.type), " bytes, found only ", left,
          " bytes");
    return std::exchange(at_, at_ + bytes_of(storage));
  }

  std::vector<uint8_t> read_storage(size_t storage, uint64_t begin, uint64_t count) const override {
    return file_.read(begins_[storage] + begin, count);
  }

  ByteFile file_;
  uint64_t at_ = 0;
  std::vector<uint64_t> begins_;
};

}  // namespace

std::unique_ptr<WeightFile> open_torch_zip(std::unique_ptr<const ZipFile> zip) {
  return std::make_unique<ZippedTorchFile>(std::move(zip));
}

std::unique_ptr<WeightFile> open_torch_legacy(const std::filesystem::path& path) {
  return std::make_unique<OldTorchFile>(path);
}

}  // namespace d2l::weights
