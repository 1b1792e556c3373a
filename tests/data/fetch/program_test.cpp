// d2l-data fetch as users call it.
#include "tests/support/program.h"

#include <gmock/gmock.h>

#include <csignal>
#include <set>
#include <sstream>

#include "tests/data/fetch/fetch_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kNames[] = {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
                                  "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"};
constexpr const char* kFirst = "train-images-idx3-ubyte.gz";
constexpr size_t kFirstBytes = 26'421'880;

class FetchProgram : public testing::Test {
 protected:
  std::vector<std::string> words(const std::string& name = "fashion-mnist") const {
    return {"d2l-data", "fetch",     name, "--data-dir", folder.path().string(),
            "--mirror", server.url()};
  }
  // Offers the real files. Returns false if there are none.
  bool offer_real_files() {
    if (data_dir().empty() || !fs::exists(data_dir() / "fashion-mnist" / kFirst)) return false;
    for (const char* name : kNames) server.put(name, real(name));
    return true;
  }
  static std::string real(const std::string& name) {
    return read_text_file(data_dir() / "fashion-mnist" / name);
  }
  fs::path out() const { return folder.path() / "fashion-mnist"; }

  TemporaryFolder folder;
  HttpServer server;
};

TEST_F(FetchProgram, BringsADatasetThatCanBePacked) {
  if (!offer_real_files()) GTEST_SKIP() << kNoData;
  const ProgramResult result = run_program(words());
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output,
            "train-images-idx3-ubyte.gz: downloaded, 25.2 MiB\n"
            "train-labels-idx1-ubyte.gz: downloaded, 28.8 KiB\n"
            "t10k-images-idx3-ubyte.gz: downloaded, 4.2 MiB\n"
            "t10k-labels-idx1-ubyte.gz: downloaded, 5.0 KiB\n");
  EXPECT_THAT(entries_of(out()), testing::ElementsAreArray(kNames));
  const ProgramResult packed = run_program(
      {"d2l-data", "pack", "--from", "fashion-mnist", "--data-dir", folder.path().string(), "--out",
       (folder.path() / "shards").string(), "--split", "test"});
  EXPECT_EQ(packed.exit_code, 0) << packed.output;
  const ProgramResult again = run_program(words());
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("t10k-labels-idx1-ubyte.gz: already there, 5.0 KiB\n"));
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(FetchProgram, AnInterruptedDownloadIsContinued) {
  if (!offer_real_files()) GTEST_SKIP() << kNoData;
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    server.answer(kFirst, {{.cut_after = 5'000'000, .stall = true}});
    Process process(words(), 100);
    ASSERT_TRUE(process.wait_for("18%", 30)) << process.output();
    const std::vector<pid_t> found = processes_of("d2l-data", folder.path().string());
    ASSERT_EQ(found.size(), 1U);
    ASSERT_EQ(::kill(found[0], signal), 0);
    const ProgramResult result = process.wait(20);
    EXPECT_FALSE(result.timed_out);
    const fs::path part = out() / (std::string(kFirst) + ".part");
    if (signal != SIGKILL) {
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(
          result.output,
          HasSubstr("d2l-data: error: interrupted; the next call continues " + part.string()));
    }
    EXPECT_EQ(fs::file_size(part), 5'000'000U);
    const ProgramResult second = run_program(words());
    EXPECT_EQ(second.exit_code, 0) << second.output;
    EXPECT_THAT(server.requests(), Contains(std::string(kFirst) + " from 5000000"));
    EXPECT_TRUE(read_text_file(out() / kFirst) == real(kFirst));
    fs::remove_all(out());
  }
}

TEST_F(FetchProgram, ATerminalShowsABar) {
  server.put(kFirst, noise_text(kFirstBytes));
  server.answer(kFirst, {{.cut_after = 13'300'000, .stall = true}});
  Process process(words(), 100);
  EXPECT_TRUE(process.wait_for("\r" + std::string(kFirst) + " [=====>    ] 50% of 25.2 MiB  ", 30))
      << process.output();
  process.wait(0);
}

TEST_F(FetchProgram, AFullDiskIsOneLine) {
  server.put(kFirst, noise_text(kFirstBytes));
  std::string command = "ulimit -f 400; exec " + (bin_dir() / "d2l-data").string();
  const std::vector<std::string> all = words();
  for (size_t i = 1; i < all.size(); ++i) command += " " + all[i];
  const ProgramResult result = run_program({"/bin/bash", "-c", command});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_EQ(result.output, "d2l-data: error: cannot write " + (out() / kFirst).string() +
                               ".part: File too large\n");
  EXPECT_THAT(server.requests(), ElementsAre(kFirst));
}

TEST_F(FetchProgram, NoNetworkIsALineForEachMirror) {
  const ProgramResult result =
      run_program({"d2l-data", "fetch", "mnist", "--data-dir", folder.path().string(), "--mirror",
                   "http://127.0.0.1:1/", "--mirror", "http://host.invalid/mnist"});
  EXPECT_EQ(result.exit_code, 1);
  std::vector<std::string> lines;
  std::istringstream stream(result.output);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 3U) << result.output;
  EXPECT_THAT(lines[0], AllOf(StartsWith("d2l-data: warning: http://127.0.0.1:1/train-images-idx3-"
                                         "ubyte.gz: "),
                              EndsWith("; trying the next mirror")));
  EXPECT_THAT(lines[1],
              StartsWith("d2l-data: warning: http://host.invalid/mnist/train-images-idx3-ubyte.gz: "
                         "Could not resolve host"));
  EXPECT_THAT(lines[2], AllOf(StartsWith("d2l-data: error: no mirror has delivered "
                                         "train-images-idx3-ubyte.gz; "),
                              HasSubstr((folder.path() / "mnist").string())));
  EXPECT_THAT(entries_of(folder.path()), IsEmpty());
}

TEST_F(FetchProgram, WrongWordsGetOneLineAndCodeTwo) {
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const std::vector<Case> cases{
      {{}, "fetch: the name of a dataset is missing: fashion-mnist, mnist, cifar10, cifar100"},
      {{"mnits"}, "unknown dataset 'mnits', did you mean 'mnist'?"},
      {{"mnist", "cifar10"}, "fetch: expected the name of one dataset, found mnist cifar10"},
      {{"mnist", "--data-dri", "x"}, "unknown option '--data-dri', did you mean '--data-dir'?"},
      {{"mnist", "--mirror", "ftp://host/"}, "--mirror: expected the URL of a folder"},
      {{"mnist", "--mirror", "http://host/?a=b"}, "--mirror: expected the URL of a folder"},
  };
  for (const Case& wrong : cases) {
    std::vector<std::string> all{"d2l-data", "fetch"};
    all.insert(all.end(), wrong.words.begin(), wrong.words.end());
    const ProgramResult result = run_program(all);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, StartsWith("d2l-data: error: " + wrong.message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
  const ProgramResult help = run_program({"d2l-data", "fetch", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("--mirror"));
}

TEST(PublishedDatasets, AreWellFormed) {
  std::set<std::string> digests;
  for (const PublishedDataset& dataset : published_datasets()) {
    ASSERT_FALSE(dataset.mirrors.empty());
    for (const std::string& mirror : dataset.mirrors)
      EXPECT_THAT(mirror, AllOf(StartsWith("https://"), EndsWith("/")));
    EXPECT_EQ(dataset.downloads.size(), dataset.members.empty() ? 4U : 1U);
    EXPECT_EQ(dataset.folder_in_archive.empty(), dataset.members.empty());
    std::vector<PublishedFile> files = dataset.downloads;
    files.insert(files.end(), dataset.members.begin(), dataset.members.end());
    for (const PublishedFile& file : files) {
      EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"), std::string::npos) << file.name;
      EXPECT_EQ(file.sha256.size(), 64U) << file.name;
      EXPECT_TRUE(digests.insert(file.sha256).second) << file.name;
      EXPECT_GT(file.bytes, 0U);
    }
  }
}

TEST(PublishedDatasets, DescribeTheRealFiles) {
  if (data_dir().empty()) GTEST_SKIP() << kNoData;
  for (const PublishedFile& file : published_datasets().front().downloads) {
    const fs::path path = data_dir() / "fashion-mnist" / file.name;
    EXPECT_EQ(fs::file_size(path), file.bytes);
    EXPECT_EQ(sha256_of(path), file.sha256);
  }
}

// From FIPS 180-4's examples.
TEST(Digest, IsSha256) {
  EXPECT_EQ(published("", "abc").sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(published("", "").sha256,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace d2l::data::test
