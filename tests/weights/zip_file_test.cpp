#include "framework/weights/zip_file.h"

#include <gmock/gmock.h>

#include "tests/weights/zip_builder.h"

namespace d2l::weights::test {
namespace {

using testing::HasSubstr;

constexpr uint64_t kNoLimit = ~uint64_t{0};

class Zip : public testing::Test {
 protected:
  ZipFile open(const FileBytes& content) const {
    write_content(path_, content);
    return ZipFile(path_);
  }
  // The message without the path, with which it must begin.
  std::string refusal(const FileBytes& content) const {
    return without_path(message_of([&] { open(content); }));
  }
  // Of reading the first entry.
  std::string damage(const ZipItem& item) const {
    const ZipFile zip = open(zip_bytes({item}));
    return without_path(message_of([&] { zip.read(zip.entries()[0], kNoLimit); }));
  }
  std::string without_path(const std::string& message) const {
    EXPECT_TRUE(message.starts_with(path_.string() + ": ")) << message;
    return message.substr(std::min(message.size(), path_.string().size() + 2));
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "a.zip";
};

// Compresses well, but not to nothing.
FileBytes long_text() {
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i) text += std::to_string(i * i) + " ";
  return text;
}

TEST_F(Zip, ReadsEntriesInAllForms) {
  const FileBytes text = long_text();
  for (const bool end64 : {false, true})
    for (const bool zip64 : {false, true})
      for (const bool sizes_last : {false, true}) {
        std::vector<ZipItem> items{stored_item("a/b", std::string("hello")),
                                   deflated_item("long", text), stored_item("none", {}),
                                   deflated_item("d", {})};
        for (ZipItem& item : items) {
          item.zip64 = zip64;
          item.sizes_last = sizes_last;
        }
        const ZipFile zip = open(zip_bytes(items, {.zip64 = end64, .comment = "PK\5\6 comment"}));
        ASSERT_EQ(zip.entries().size(), 4u);
        for (size_t i = 0; i < items.size(); ++i) {
          const ZipFile::Entry& entry = zip.entries()[i];
          EXPECT_EQ(entry.name, items[i].name);
          EXPECT_EQ(entry.deflated, items[i].method == 8);
          EXPECT_EQ(zip.find(entry.name), &entry);
        }
        EXPECT_EQ(zip.find("b"), nullptr);
        EXPECT_EQ(zip.read(zip.entries()[0], 5), FileBytes(std::string("hello")).bytes());
        EXPECT_EQ(zip.read(zip.entries()[1], kNoLimit), text.bytes());
        EXPECT_TRUE(zip.read(zip.entries()[2], 0).empty());
        EXPECT_TRUE(zip.read(zip.entries()[3], 0).empty());
      }
}

TEST_F(Zip, ReadsTheStartOfEntries) {
  const FileBytes text = long_text();
  const ZipFile zip = open(zip_bytes({stored_item("s", text), deflated_item("d", text)}));
  for (const ZipFile::Entry& entry : zip.entries())
    for (const size_t most : {size_t{0}, size_t{1}, size_t{300}, size_t{900'000}, text.size()})
      EXPECT_EQ(zip.read_start(entry, most), text.cut(most).bytes()) << entry.name << most;
  EXPECT_EQ(zip.read_start(zip.entries()[0], kNoLimit), text.bytes());
}

TEST_F(Zip, ReadsPartsOfStoredEntries) {
  const ZipFile zip =
      open(zip_bytes({stored_item("s", std::string("0123456789")), deflated_item("d", {})}));
  std::vector<uint8_t> part(3);
  zip.read_part(zip.entries()[0], 7, part);
  EXPECT_EQ(part, FileBytes(std::string("789")).bytes());
  const auto refusal = [&](size_t entry, uint64_t begin) {
    return without_path(message_of([&] { zip.read_part(zip.entries()[entry], begin, part); }));
  };
  EXPECT_EQ(refusal(0, 8), "entry 's' of the ZIP archive has 10 bytes, expected 3 from byte 8 on");
  EXPECT_EQ(refusal(0, kNoLimit),
            "entry 's' of the ZIP archive has 10 bytes, expected 3 from byte "
            "18446744073709551615 on");
  EXPECT_EQ(refusal(1, 0), "entry 'd' of the ZIP archive is compressed, expected it stored");
}

TEST_F(Zip, RefusesWhatIsNoArchiveOrCutOff) {
  const FileBytes whole =
      zip_bytes({stored_item("a", std::string("hello"))}, {.zip64 = true, .comment = "end"});
  EXPECT_EQ(refusal(whole.cut(60)),
            "expected the directory of a ZIP archive at the end of the file, found none: the file "
            "of 60 bytes is cut off or damaged");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(refusal(whole.cut(size)), HasSubstr("expected the directory of a ZIP archive"));
  EXPECT_EQ(message_of([&] { ZipFile{folder_.path()}; }),
            "cannot read " + folder_.path().string() + ": it is a folder");
}

TEST_F(Zip, RefusesDirectoriesThatDoNotFitIntoTheFile) {
  const std::vector<ZipItem> items{stored_item("a", std::string("hello"))};
  for (const bool zip64 : {false, true}) {
    EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = zip64, .prefix = "more", .bytes = 50})),
              "the directory of the ZIP archive has 50 bytes from byte 47 on, expected it to end "
              "at byte 101");
    EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = zip64, .follower = "more"})),
              "the directory of the ZIP archive has 54 bytes from byte 43 on, expected it to end "
              "at byte 101");
    EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = zip64, .entries = 2})),
              "the ZIP archive claims 2 entries in a directory of 54 bytes");
    EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = zip64, .entries = 0})),
              "the directory of the ZIP archive has 54 bytes after its last entry");
    EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = zip64, .disk = 1})),
              "is one part of a ZIP archive of several parts");
  }
  EXPECT_EQ(refusal(zip_bytes(items, {.zip64 = true, .entries = ~uint64_t{0}})),
            "the ZIP archive claims 18446744073709551615 entries in a directory of 54 bytes");
  EXPECT_EQ(refusal(FileBytes(std::string("before")).add(zip_bytes(items))),
            "the directory of the ZIP archive has 54 bytes from byte 43 on, expected it to end at "
            "byte 103");
}

TEST_F(Zip, RefusesEntriesThatItCannotRead) {
  const auto changed = [&](auto change) {
    ZipItem item = stored_item("a", std::string("hello"));
    change(item);
    return refusal(zip_bytes({item}));
  };
  const std::string start = "entry 'a' of the ZIP archive";
  EXPECT_EQ(changed([](ZipItem& item) { item.flags = 1; }), start + " is encrypted");
  EXPECT_EQ(changed([](ZipItem& item) { item.flags = 1 << 13; }), start + " is encrypted");
  EXPECT_EQ(changed([](ZipItem& item) { item.flags = 1 << 5; }),
            start + " is a patch of another file");
  EXPECT_EQ(changed([](ZipItem& item) { item.method = 93; }),
            start + " is compressed with method 93, expected 0 (stored) or 8 (deflated)");
  EXPECT_EQ(changed([](ZipItem& item) { item.bytes = 6; }),
            start + " is stored with 5 bytes, expected its 6 bytes");
  EXPECT_EQ(changed([](ZipItem& item) {
              item.method = 8;
              item.bytes = 1032 * 6;
            }),
            start + " claims 6192 bytes, but deflated data of 5 bytes cannot have so many");
  EXPECT_EQ(changed([](ZipItem& item) { item.bytes = item.stored_bytes = 6; }),
            start +
                " has 6 bytes after its header at byte 0 and reaches into the directory at "
                "byte 43");
  EXPECT_EQ(changed([](ZipItem& item) {
              item.zip64 = true;
              item.bytes = item.stored_bytes = ~uint64_t{0};
            }),
            start +
                " has 18446744073709551615 bytes after its header at byte 0 and reaches into "
                "the directory at byte 63");
}

TEST_F(Zip, RefusesEntriesWhoseTwoHeadersDisagree) {
  const std::string start = "entry 'a' of the ZIP archive";
  ZipItem item = stored_item("a", std::string("hello"));
  item.local_name = "b";
  EXPECT_EQ(refusal(zip_bytes({item})),
            start + ": its header at byte 0 and the directory disagree");
  item.offset = 1;
  EXPECT_EQ(refusal(zip_bytes({item})), start + ": expected its header at byte 1");
  item.offset = 20;
  EXPECT_EQ(refusal(zip_bytes({item})),
            start + " begins at byte 20, expected it before the directory at byte 43");
  item.offset = ~uint64_t{0};
  item.zip64 = true;
  EXPECT_EQ(refusal(zip_bytes({item})), start +
                                            " begins at byte 18446744073709551615, expected it "
                                            "before the directory at byte 63");

  // The local header begins at byte 0; the checksum is at byte 14, the two sizes follow.
  for (const size_t at : {size_t{14}, size_t{18}, size_t{22}}) {
    write_content(path_, zip_bytes({stored_item("a", std::string("hello"))}));
    std::fstream stream(path_, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at)).put('\1');
    stream.close();
    EXPECT_EQ(without_path(message_of([&] { ZipFile{path_}; })),
              start + ": its header at byte 0 and the directory disagree");
  }
}

TEST_F(Zip, RefusesEntriesThatAreThereTwiceOrOverlap) {
  const ZipItem a = stored_item("a", std::string("hello"));
  EXPECT_EQ(refusal(zip_bytes({a, a})), "entry 'a' of the ZIP archive is there twice");
  ZipItem again = a;
  again.offset = 0;
  again.name = "b";
  EXPECT_EQ(refusal(zip_bytes({a, again})),
            "entry 'b' of the ZIP archive: its header at byte 0 and the directory disagree");
  // An archive within the entry of an archive, whose directory the outer one shares.
  const FileBytes inner = zip_bytes({a});
  const uint64_t inside = 30 + 5 + 7;  // the header of the outer entry: name and padding
  again = stored_item("a", std::string("hello"));
  again.offset = inside;
  EXPECT_EQ(refusal(zip_bytes({stored_item("outer", inner), again})),
            "the entries 'outer' and 'a' of the ZIP archive overlap");
}

TEST_F(Zip, VerifiesWhatItReads) {
  const std::string start = "entry 'a' of the ZIP archive";
  ZipItem item = stored_item("a", std::string("hello"));
  item.stored = std::string("hallo");
  EXPECT_EQ(damage(item), start +
                              " is damaged: its bytes do not have the checksum that the "
                              "directory says");
  item = deflated_item("a", std::string("hello hello hello hello"));
  item.bytes = 22;
  EXPECT_EQ(damage(item), start + " has more than the 22 bytes that the directory says");
  item.bytes = 0;
  EXPECT_EQ(damage(item), start + " has more than the 0 bytes that the directory says");
  item.bytes = 25;
  EXPECT_EQ(damage(item), start + " has 2 bytes fewer than the 25 that the directory says");
  item.bytes = 23;
  item.checksum ^= 1;
  EXPECT_THAT(damage(item), HasSubstr("is damaged"));
  item = deflated_item("a", std::string("hello hello hello hello"));
  item.stored.add(std::string("x"));
  ++item.stored_bytes;
  EXPECT_EQ(damage(item), concat(start, ": its deflate data do not end after ", item.stored_bytes,
                                 " bytes, as they should"));
  item.stored_bytes -= 2;
  item.stored = item.stored.cut(item.stored_bytes);
  EXPECT_THAT(damage(item), HasSubstr(start));
  item.stored = std::string(item.stored_bytes, '\xff');
  EXPECT_EQ(damage(item), start + ": damaged deflate data: invalid block type");
}

TEST_F(Zip, RefusesContentBeyondTheLimit) {
  const ZipFile zip = open(zip_bytes({deflated_item("bomb", std::string(1 << 20, '\0'))}));
  EXPECT_EQ(without_path(message_of([&] { zip.read(zip.entries()[0], (1 << 20) - 1); })),
            "entry 'bomb' of the ZIP archive has 1048576 bytes, expected at most 1048575");
  EXPECT_EQ(zip.read(zip.entries()[0], 1 << 20).size(), size_t{1} << 20);
}

}  // namespace
}  // namespace d2l::weights::test
