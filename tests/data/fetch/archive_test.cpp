// Datasets whose files are in an archive.
#include <gmock/gmock.h>

#include "data/fetch/fetch.h"
#include "tests/data/fetch/fetch_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class FetchArchive : public testing::Test {
 protected:
  void SetUp() override {
    dataset.name = "packed";
    dataset.mirrors = {server.url()};
    dataset.folder_in_archive = "inner/";
    for (const char* name : {"one.bin", "two.bin"})
      dataset.members.push_back(published(name, content_of(name)));
    offer({{"inner/readme.html", "text"},
           {"inner/two.bin", content_of("two.bin")},
           {"other/one.bin", "another file"},
           {"inner/one.bin", content_of("one.bin")}});
  }
  static std::string content_of(const std::string& name) {
    return noise_text(name == "one.bin" ? 2'500'000 : 1000);
  }
  void offer(const std::vector<std::pair<std::string, std::string>>& files) {
    archive = tar_gz(temporary.path() / "scratch", files);
    dataset.downloads = {published("packed.tar.gz", archive)};
    server.put("packed.tar.gz", archive);
  }
  void fetch() {
    lines.clear();
    FetchOptions options;
    options.say = [this](const std::string& line) { lines.push_back(line); };
    options.download.go_on = go_on;
    fetch_dataset(dataset, folder(), options);
  }
  void expect_members() const {
    for (const char* name : {"one.bin", "two.bin"})
      EXPECT_TRUE(read_text_file(folder() / name) == content_of(name)) << name;
  }
  fs::path folder() const { return temporary.path() / "packed"; }

  TemporaryFolder temporary;
  HttpServer server;
  PublishedDataset dataset;
  std::string archive;
  std::vector<std::string> lines;
  std::function<bool()> go_on = [] { return true; };
};

TEST_F(FetchArchive, UnpacksAndRemovesTheArchive) {
  fetch();
  EXPECT_THAT(entries_of(folder()), ElementsAre("one.bin", "two.bin"));
  expect_members();
  EXPECT_THAT(lines, ElementsAre(StartsWith("packed.tar.gz: downloaded, "),
                                 "one.bin: unpacked, 2.4 MiB", "two.bin: unpacked, 1000 B"));
  fetch();
  EXPECT_THAT(lines,
              ElementsAre("one.bin: already there, 2.4 MiB", "two.bin: already there, 1000 B"));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(FetchArchive, UsesAndKeepsAnArchiveThatIsThere) {
  fs::create_directories(folder());
  write_text_file(folder() / "packed.tar.gz", archive);
  fetch();
  EXPECT_THAT(entries_of(folder()), ElementsAre("one.bin", "packed.tar.gz", "two.bin"));
  expect_members();
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(FetchArchive, UnpacksOnlyWhatIsMissing) {
  fetch();
  fs::remove(folder() / "two.bin");
  const auto before = fs::last_write_time(folder() / "one.bin");
  fetch();
  expect_members();
  EXPECT_EQ(fs::last_write_time(folder() / "one.bin"), before);
}

TEST_F(FetchArchive, NeverOverwritesAnotherFile) {
  fs::create_directories(folder());
  write_text_file(folder() / "two.bin", "mine");
  EXPECT_THAT(message_of([this] { fetch(); }),
              StartsWith((folder() / "two.bin").string() + ": expected the published file"));
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_EQ(read_text_file(folder() / "two.bin"), "mine");
}

TEST_F(FetchArchive, AMissingOrWrongMemberIsNamedAndNoneAppears) {
  struct Case {
    std::string content, message;
  };
  const std::vector<Case> cases{
      {"", "one.bin: expected SHA-256 "},
      {noise_text(2'500'000, 8), "one.bin: expected SHA-256 "},
      {content_of("one.bin") + "x", "one.bin: expected 2,500,000 bytes, the archive has more"}};
  for (const Case& wrong : cases) {
    offer({{"inner/two.bin", content_of("two.bin")}, {"inner/one.bin", wrong.content}});
    EXPECT_THAT(message_of([this] { fetch(); }), HasSubstr(wrong.message));
    EXPECT_THAT(entries_of(folder()), ElementsAre("packed.tar.gz.part"));
    fs::remove_all(folder());
  }
  offer({{"inner/two.bin", content_of("two.bin")}});
  EXPECT_THAT(message_of([this] { fetch(); }),
              HasSubstr(": expected inner/one.bin, which is not in the archive"));
  EXPECT_THAT(entries_of(folder()), ElementsAre("packed.tar.gz.part"));
}

TEST_F(FetchArchive, AfterAnInterruptionItOnlyUnpacks) {
  // The archive is complete, but unpacking stops at the second MiB of the last file.
  fs::create_directories(folder());
  write_text_file(folder() / "packed.tar.gz.part", archive);
  write_text_file(folder() / "one.bin.0123456789abcdef.tmp", "what a killed process has left");
  int calls = 0;
  go_on = [&] { return ++calls < 4; };
  EXPECT_EQ(message_of([this] { fetch(); }), "interrupted");
  EXPECT_THAT(entries_of(folder()), ElementsAre("packed.tar.gz.part"));
  go_on = [] { return true; };
  fetch();
  EXPECT_THAT(entries_of(folder()), ElementsAre("one.bin", "two.bin"));
  expect_members();
  EXPECT_THAT(server.requests(), IsEmpty());
}

}  // namespace
}  // namespace d2l::data::test
