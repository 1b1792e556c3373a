// fetch_dataset() against a server that does not always do what it should.
#include "data/fetch/fetch.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "framework/base/file_lock.h"
#include "tests/data/fetch/fetch_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Fetch : public testing::Test {
 protected:
  void SetUp() override {
    server.put("a.gz", content);
    dataset.name = "things";
    dataset.mirrors = {server.url()};
    dataset.downloads = {published("a.gz", content)};
    options.download.first_pause = std::chrono::milliseconds(5);
    options.download.stall = std::chrono::seconds(1);
    options.download.warn = [this](const std::string& line) { warnings.push_back(line); };
    options.say = [this](const std::string& line) { lines.push_back(line); };
  }
  void fetch() {
    warnings.clear();
    lines.clear();
    fetch_dataset(dataset, folder(), options);
  }
  std::string failure() {
    return message_of([this] { fetch(); });
  }
  void expect_fetched() {
    EXPECT_THAT(entries_of(folder()), ElementsAre("a.gz"));
    EXPECT_TRUE(read_text_file(folder() / "a.gz") == content);
  }
  void put_part(const std::string& bytes) {
    fs::create_directories(folder());
    write_text_file(part(), bytes);
  }
  fs::path folder() const { return temporary.path() / "data" / "things"; }
  fs::path part() const { return folder() / "a.gz.part"; }

  TemporaryFolder temporary;
  HttpServer server;
  PublishedDataset dataset;
  FetchOptions options;
  std::vector<std::string> warnings, lines;
  std::string content = noise_text(300'000);
};

TEST_F(Fetch, DownloadsAFile) {
  fetch();
  expect_fetched();
  EXPECT_THAT(lines, ElementsAre("a.gz: downloaded, 293.0 KiB"));
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(Fetch, KeepsAFileThatIsThere) {
  fetch();
  fetch();
  EXPECT_THAT(lines, ElementsAre("a.gz: already there, 293.0 KiB"));
  EXPECT_THAT(server.requests(), ElementsAre("a.gz"));
}

TEST_F(Fetch, NeverOverwritesAnotherFile) {
  for (const std::string& other : {noise_text(300'000, 8), noise_text(10)}) {
    fs::create_directories(folder());
    write_text_file(folder() / "a.gz", other);
    EXPECT_THAT(failure(),
                StartsWith((folder() / "a.gz").string() + ": expected the published file with "));
    EXPECT_TRUE(read_text_file(folder() / "a.gz") == other);
  }
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(Fetch, ContinuesAfterACut) {
  server.answer("a.gz", {{.cut_after = 100'000}, {.cut_after = 150'000}});
  fetch();
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz", "a.gz from 100000", "a.gz from 250000"));
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], StartsWith(server.url() + "a.gz: "));
  EXPECT_THAT(warnings[0], EndsWith("; trying again in 0.005 s"));
}

TEST_F(Fetch, ContinuesWhatAnEarlierCallHasLeft) {
  put_part(content.substr(0, 1000));
  fetch();
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 1000"));
}

TEST_F(Fetch, ACompletePartNeedsNoServer) {
  put_part(content);
  dataset.mirrors = {"http://127.0.0.1:1/"};
  fetch();
  expect_fetched();
}

TEST_F(Fetch, AWrongPartIsDownloadedAgainOnce) {
  for (const std::string& wrong :
       {noise_text(1000, 9), noise_text(300'000, 9), noise_text(400'000, 9)}) {
    put_part(wrong);
    fetch();
    expect_fetched();
    fs::remove(folder() / "a.gz");
  }
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 1000", "a.gz", "a.gz", "a.gz"));
}

TEST_F(Fetch, AServerMayStartFromTheBeginning) {
  put_part(noise_text(200'000, 9));
  server.answer("a.gz", {{.whole = true}});
  fetch();
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 200000"));
}

TEST_F(Fetch, ARangeThatTheServerRefusesOrMistakesIsNotUsed) {
  for (const HttpReply& reply : {HttpReply{.status = 416}, HttpReply{.claimed_begin = 999}}) {
    put_part(content.substr(0, 1000));
    server.answer("a.gz", {reply});
    fetch();
    expect_fetched();
    EXPECT_EQ(server.requests().back(), "a.gz");
    fs::remove(folder() / "a.gz");
  }
}

TEST_F(Fetch, AWrongDigestIsNamedAndNothingIsKept) {
  server.put("a.gz", noise_text(300'000, 8));
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_THAT(warnings,
              ElementsAre(server.url() + "a.gz: expected SHA-256 " + dataset.downloads[0].sha256 +
                          ", found " + published("", noise_text(300'000, 8)).sha256));
  EXPECT_FALSE(fs::exists(temporary.path() / "data"));
}

TEST_F(Fetch, NeverWritesMoreThanTheFileHas) {
  for (bool without_length : {false, true}) {
    server.answer("a.gz", {{.without_length = without_length, .body = content + "more"}});
    uint64_t most = 0;
    options.download.progress = [&](const PublishedFile&, uint64_t have) {
      most = std::max(most, have);
    };
    EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_THAT(warnings[0], HasSubstr(": expected a file of 300,000 bytes, the server "));
    EXPECT_LE(most, content.size());
    if (!without_length) {
      EXPECT_EQ(most, 0U);
    }
  }
}

TEST_F(Fetch, AShortFileIsRefused) {
  server.put("a.gz", content.substr(0, 1000));
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_THAT(
      warnings,
      ElementsAre(server.url() + "a.gz: expected a file of 300,000 bytes, the server has 1,000"));
}

TEST_F(Fetch, AnswersWithoutALengthAreFine) {
  server.answer("a.gz", {{.without_length = true}});
  fetch();
  expect_fetched();
}

TEST_F(Fetch, ABusyServerIsAskedAgain) {
  server.answer("a.gz", {{.status = 503}, {.status = 429}, {.status = 500}});
  fetch();
  expect_fetched();
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_THAT(warnings[0], EndsWith("HTTP status 503; trying again in 0.005 s"));
  EXPECT_THAT(warnings[2], EndsWith("HTTP status 500; trying again in 0.02 s"));
}

TEST_F(Fetch, ABusyServerIsNotAskedForEver) {
  server.answer("a.gz", std::vector<HttpReply>(20, {.status = 503}));
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_EQ(server.requests().size(), 5U);
  EXPECT_THAT(warnings.back(), EndsWith("HTTP status 503 (5 attempts)"));
}

TEST_F(Fetch, AStalledServerIsLeft) {
  server.answer("a.gz", {{.cut_after = 100'000, .stall = true}});
  fetch();
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz", "a.gz from 100000"));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("too slow")));
}

TEST_F(Fetch, TheNextMirrorHelps) {
  HttpServer empty;
  dataset.downloads.push_back(published("b.gz", "bbb"));
  server.put("b.gz", "bbb");
  dataset.mirrors = {"http://127.0.0.1:1/", empty.url(), server.url()};
  fetch();
  EXPECT_THAT(entries_of(folder()), ElementsAre("a.gz", "b.gz"));
  // A mirror that did not deliver the first file is not asked for the second.
  EXPECT_THAT(empty.requests(), ElementsAre("a.gz"));
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], EndsWith("; trying the next mirror"));
  EXPECT_EQ(warnings[1], empty.url() +
                             "a.gz: the server answered with HTTP status 404; trying "
                             "the next mirror");
}

TEST_F(Fetch, TheNextMirrorContinues) {
  HttpServer weak;
  weak.put("a.gz", content);
  weak.answer("a.gz", {{.cut_after = 100'000}, {.status = 404}});
  dataset.mirrors = {weak.url(), server.url()};
  fetch();
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 100000"));
}

TEST_F(Fetch, FollowsRedirects) {
  server.put("elsewhere", content);
  server.answer("a.gz", {{.status = 302, .location = server.url() + "elsewhere"}});
  fetch();
  expect_fetched();
}

TEST_F(Fetch, RedirectsInACircleEnd) {
  server.answer("a.gz",
                std::vector<HttpReply>(30, {.status = 302, .location = server.url() + "a.gz"}));
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("redirects")));
}

TEST_F(Fetch, StopsWhenItIsTold) {
  server.answer("a.gz", {{.cut_after = 100'000, .stall = true}});
  bool has_some = false;
  options.download.progress = [&](const PublishedFile&, uint64_t have) {
    has_some = have == 100'000;
  };
  options.download.go_on = [&] { return !has_some; };
  EXPECT_EQ(failure(), "interrupted; the next call continues " + part().string());
  EXPECT_THAT(entries_of(folder()), ElementsAre("a.gz.part"));
  EXPECT_TRUE(read_text_file(part()) == content.substr(0, 100'000));
}

TEST_F(Fetch, OneProcessAtATime) {
  fs::create_directories(folder());
  const FileLock lock(folder() / ".d2l-fetch.lock");
  EXPECT_THAT(failure(), StartsWith("cannot download into " + folder().string() + ": "));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(Fetch, APasswordIsNotShown) {
  EXPECT_EQ(public_url("https://me:secret@host/a@b"), "https://host/a@b");
  EXPECT_EQ(public_url("http://host/a@b"), "http://host/a@b");
  std::string url = server.url();
  dataset.mirrors = {url.insert(7, "me:secret@")};
  server.answer("a.gz", {{.status = 404}});
  failure();
  EXPECT_THAT(warnings,
              ElementsAre(server.url() + "a.gz: the server answered with HTTP status 404"));
}

class SecureFetch : public Fetch {
 protected:
  void TearDown() override { unsetenv("SSL_CERT_FILE"); }
  fs::path certificate() const { return temporary.path() / "certificate.pem"; }
};

TEST_F(SecureFetch, AnUnknownCertificateIsNamedAndNotTriedAgain) {
  HttpServer secure(certificate());
  secure.put("a.gz", content);
  dataset.mirrors = {secure.url()};
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_THAT(warnings,
              ElementsAre(StartsWith(secure.url() +
                                     "a.gz: the certificate of the server is not trusted: ")));
  EXPECT_THAT(secure.requests(), IsEmpty());
}

TEST_F(SecureFetch, ATrustedCertificateWorks) {
  HttpServer secure(certificate());
  setenv("SSL_CERT_FILE", certificate().c_str(), 1);
  secure.put("a.gz", content);
  dataset.mirrors = {secure.url()};
  fetch();
  expect_fetched();
}

TEST_F(SecureFetch, ARedirectToAnOpenConnectionIsRefused) {
  HttpServer secure(certificate());
  setenv("SSL_CERT_FILE", certificate().c_str(), 1);
  secure.answer("a.gz", {{.status = 302, .location = server.url() + "a.gz"}});
  dataset.mirrors = {secure.url()};
  EXPECT_THAT(failure(), StartsWith("no mirror has delivered a.gz; "));
  EXPECT_THAT(warnings, ElementsAre(StartsWith(secure.url() + "a.gz: ")));
  EXPECT_THAT(server.requests(), IsEmpty());
}

}  // namespace
}  // namespace d2l::data::test
