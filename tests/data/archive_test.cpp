#include "data/packing/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>

#include <clocale>
#include <functional>

#include "data/packing/archive_source.h"
#include "data/packing/file_items.h"
#include "tests/data/packing_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

struct Member {
  std::string name;
  std::vector<uint8_t> bytes;
  std::string link{};  // the target of a symbolic link
};

using Setting = std::function<void(struct archive*)>;

void write_archive(const fs::path& path, const std::vector<Member>& members,
                   const Setting& settings) {
  // libarchive writes names that are not ASCII only with a suitable locale
  const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = ::uselocale(utf8);
  struct archive* archive = ::archive_write_new();
  settings(archive);
  ASSERT_EQ(::archive_write_open_filename(archive, path.c_str()), ARCHIVE_OK);
  for (const Member& member : members) {
    struct archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, member.name.c_str());
    ::archive_entry_set_perm(entry, 0644);
    ::archive_entry_set_filetype(entry, member.link.empty() ? AE_IFREG : AE_IFLNK);
    ::archive_entry_set_size(entry, static_cast<int64_t>(member.bytes.size()));
    if (!member.link.empty()) ::archive_entry_set_symlink(entry, member.link.c_str());
    ASSERT_EQ(::archive_write_header(archive, entry), ARCHIVE_OK);
    ::archive_write_data(archive, member.bytes.data(), member.bytes.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(archive);
  ::archive_write_free(archive);
  ::uselocale(before);
  ::freelocale(utf8);
}

void tar(struct archive* archive) { ::archive_write_set_format_pax_restricted(archive); }
void zip(struct archive* archive) {
  ::archive_write_set_format_zip(archive);
  ::archive_write_set_options(archive, "hdrcharset=UTF-8");
}

class Archive : public testing::Test {
 protected:
  // Images of two classes, not in order.
  static std::vector<Member> members() {
    std::vector<Member> all;
    for (const char* name : {"top/test/dog/1.jpg", "top/train/dog/9.jpg", "top/train/cat/5.jpg",
                             "top/train/dog/1.jpg", "top/train/cat/1.jpg", "top/test/cat/1.jpg"})
      all.push_back({name, jpeg_file({16, 16, 3}, static_cast<int>(all.size()))});
    return all;
  }
  fs::path file(const std::string& name) const { return folder.path() / name; }

  // The names of all items with their contents, in order, after a visit.
  static std::vector<Member> visited(const PackSource& source, Split split) {
    const std::vector<PackItem>& items = source.content().items(split);
    std::vector<Member> all;
    source.visit(
        items,
        [&](size_t position, const Sample& sample) {
          EXPECT_EQ(position, all.size());
          all.push_back({items[position].name, {sample.bytes.begin(), sample.bytes.end()}});
        },
        [&](size_t position, const std::string& reason) {
          all.push_back({items[position].name, text_bytes(reason)});
        });
    return all;
  }
  static std::vector<std::string> names(const std::vector<Member>& all) {
    std::vector<std::string> found;
    for (const Member& member : all) found.push_back(member.name);
    return found;
  }
  static std::string error_of(const fs::path& path) {
    return message_of([&] { open_archive(PackTeam(), path); });
  }

  TemporaryFolder folder;
};

TEST_F(Archive, AllFormatsAreRead) {
  const std::vector<std::pair<std::string, Setting>> forms = {
      {"a.tar", tar},
      {"a.tar.gz", [](auto* a) { tar(a), ::archive_write_add_filter_gzip(a); }},
      {"a.tar.xz", [](auto* a) { tar(a), ::archive_write_add_filter_xz(a); }},
      {"a.tar.zst", [](auto* a) { tar(a), ::archive_write_add_filter_zstd(a); }},
      {"a.tar.bz2", [](auto* a) { tar(a), ::archive_write_add_filter_bzip2(a); }},
      {"a.zip", zip}};
  for (const auto& [name, form] : forms) {
    write_archive(file(name), members(), form);
    EXPECT_TRUE(is_archive(file(name))) << name;
    const auto source = open_archive(PackTeam(), file(name));
    EXPECT_EQ(source->content().info.name, "a");
    EXPECT_THAT(source->content().info.class_names, ElementsAre("cat", "dog"));
    const std::vector<Member> train = visited(*source, Split::train);
    EXPECT_THAT(names(train), ElementsAre("top/train/cat/1.jpg", "top/train/cat/5.jpg",
                                          "top/train/dog/1.jpg", "top/train/dog/9.jpg"))
        << name;
    EXPECT_EQ(train[0].bytes, members()[4].bytes) << name;
    EXPECT_EQ(train[3].bytes, members()[1].bytes) << name;
    EXPECT_EQ(visited(*source, Split::test)[1].bytes, members()[0].bytes) << name;
  }
}

TEST_F(Archive, LittleMemoryOnlyCostsPasses) {
  write_archive(file("a.tar"), members(), tar);
  const auto plenty = open_archive(PackTeam(), file("a.tar"));
  for (const uint64_t memory : {0, 700, 1500}) {
    const auto little = open_archive(PackTeam(), file("a.tar"), memory);
    const auto expected = visited(*plenty, Split::train), found = visited(*little, Split::train);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].bytes, expected[i].bytes) << i;
  }
}

TEST_F(Archive, AnArchiveOfAFolderIsEqualToTheFolder) {
  std::vector<Member> all = members();
  all.push_back({"top/train/.hidden.jpg", all[0].bytes});
  all.push_back({"top/readme.txt", text_bytes("hello")});
  for (const Member& member : all) put_file(folder.path() / "in" / member.name, member.bytes);
  write_archive(file("a.zip"), all, zip);
  const auto archive = open_archive(PackTeam(), file("a.zip"));
  const auto files = open_image_folder(PackTeam(), folder.path() / "in", 2);
  EXPECT_EQ(archive->content().notes, files->content().notes);
  EXPECT_EQ(archive->content().notes.size(), 2U);
  for (const Split split : {Split::train, Split::test}) {
    const auto& a = archive->content().items(split);
    const auto& b = files->content().items(split);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].name, b[i].name);
      EXPECT_EQ(a[i].label, b[i].label);
      EXPECT_EQ(a[i].bytes, b[i].bytes);
      EXPECT_EQ(a[i].height, 16);
      EXPECT_EQ(b[i].height, 16);
    }
    EXPECT_EQ(visited(*archive, split)[0].bytes, visited(*files, split)[0].bytes);
  }
}

TEST_F(Archive, NamesThatLeadOutsideAreRefused) {
  for (const auto& [name, message] : std::vector<std::pair<std::string, std::string>>{
           {"/train/cat/x.jpg", "expected relative names, found /train/cat/x.jpg"},
           {"train/../../x.jpg", "expected names without '..', found train/../../x.jpg"},
           {std::string(5000, 'x') + ".jpg",
            "expected names of at most 4096 bytes, found one of "}}) {
    std::vector<Member> all = members();
    all.push_back({name, all[0].bytes});
    write_archive(file("a.tar"), all, tar);
    EXPECT_THAT(error_of(file("a.tar")), HasSubstr(message));
  }
}

TEST_F(Archive, LinksAreLeftOut) {
  std::vector<Member> all = members();
  all.push_back({"top/train/cat/link.jpg", {}, "/etc/passwd"});
  write_archive(file("a.tar"), all, tar);
  const auto source = open_archive(PackTeam(), file("a.tar"));
  EXPECT_EQ(source->content().train.size(), 4U);
  EXPECT_THAT(source->content().notes, ElementsAre("1 link is left out"));
}

TEST_F(Archive, AFileWithTheNameOfAnImageIsAnImage) {
  std::vector<Member> all = members();
  all.push_back({"top/train/cat/0.png", text_bytes("other")});
  all.push_back({"top/train/cat/about", text_bytes("other")});
  write_archive(file("a.tar"), all, tar);
  const auto source = open_archive(PackTeam(), file("a.tar"));
  EXPECT_THAT(source->content().notes,
              ElementsAre("top/train/cat/about is left out: it is no JPEG, PNG or WebP image"));
  const std::vector<Member> found = visited(*source, Split::train);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].name, "top/train/cat/0.png");
  EXPECT_EQ(found[0].bytes, text_bytes("expected a JPEG, PNG or WebP image, found other bytes"));
}

TEST_F(Archive, DuplicateNamesAreAnError) {
  std::vector<Member> all = members();
  all.push_back(all[2]);
  write_archive(file("a.tar"), all, tar);
  EXPECT_THAT(error_of(file("a.tar")), HasSubstr("found two files top/train/cat/5.jpg"));
}

TEST_F(Archive, DamageIsAnError) {
  const auto gzip = [](auto* a) { tar(a), ::archive_write_add_filter_gzip(a); };
  write_archive(file("a.tar.gz"), members(), gzip);
  const std::vector<uint8_t> whole = bytes_of(file("a.tar.gz"));
  for (size_t size = 4; size + 16 < whole.size(); size += whole.size() / 16) {
    write_bytes(file("cut.tar.gz"), {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)});
    EXPECT_THAT(error_of(file("cut.tar.gz")), HasSubstr("cut.tar.gz")) << size;
  }
  write_bytes(file("other.tar.gz"), text_bytes("\x1F\x8Bnot really"));
  EXPECT_THAT(error_of(file("other.tar.gz")), HasSubstr("other.tar.gz"));
}

TEST_F(Archive, ChangedBytesAreAnErrorOrAnImage) {
  write_archive(file("a.tar"), members(), tar);
  const std::vector<uint8_t> whole = bytes_of(file("a.tar"));
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::vector<uint8_t> changed = whole;
    for (uint64_t i = 0; i < 3; ++i)
      changed[random_below({seed, 5}, 2 * i, 512 * 6)] =
          static_cast<uint8_t>(random_word({seed, 6}, i));
    write_bytes(file("b.tar"), changed);
    try {
      const auto source = open_archive(PackTeam(), file("b.tar"));
      visited(*source, Split::train);
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("b.tar"));
    }
  }
}

TEST_F(Archive, NamesAreUtf8WhateverTheLocale) {
  std::vector<Member> all = members();
  all.push_back({"top/train/cat/\xC3\xA9t\xC3\xA9.jpg", all[0].bytes});
  for (const auto& [name, form] :
       std::vector<std::pair<std::string, Setting>>{{"a.tar", tar}, {"a.zip", zip}}) {
    write_archive(file(name), all, form);
    const auto source = open_archive(PackTeam(), file(name));
    EXPECT_EQ(source->content().train[2].name, all.back().name) << name;
  }
}

}  // namespace
}  // namespace d2l::data::test
