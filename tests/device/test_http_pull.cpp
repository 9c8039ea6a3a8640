// Fetching an update: what is asked, what is made of the answer, and what ends it.
#include "web_server.h"

using secureota::Bytes;
using secureota::ImageKind;
using web_server::answer;
using web_server::Error;
using web_server::Fetching;
using web_server::kEtag;
using web_server::kUrl;
using web_server::Outcome;

namespace {

const char kWholeStory[] = "start open write seal readBack save activate activated";
const std::string kOk = "HTTP/1.1 200 OK\r\n";

const std::string kFile = web_server::text(pretend::containerOf(kTokenB2, pretend::image('B')));

void whatIsAsked() {
  const std::string kStart =
      "GET /a/lamp.bin?v=2 HTTP/1.1\r\n"
      "Host: h.example:8080\r\n"
      "User-Agent: SecureOTA\r\n"
      "Accept-Encoding: identity\r\n";
  const std::string kEnd = "Connection: close\r\n\r\n";
  CHECK(Fetching().ask() == kStart + kEnd);
  Fetching again(kUrl, "W/\"old\"");
  CHECK(again.ask() == kStart + "If-None-Match: W/\"old\"\r\n" + kEnd);
  again.hears(answer(kFile).substr(0, 300));
  again.breaks();
  const size_t taken = 300 - answer(kFile).find("RedWax");
  CHECK(again.ask() == kStart + "Range: bytes=" + std::to_string(taken) +
                           "-\r\nIf-Range: " + kEtag + "\r\n" + kEnd);
  Fetching root("http://h");
  CHECK(root.ask().find("GET / HTTP/1.1\r\nHost: h\r\n") == 0);
  CHECK(root.pull.url().port == 80);
}

// The sanitizer watches the end of what is written.
void theLongestRequest() {
  const std::string host(secureota::kMaxHostSize, 'h');
  std::string url = "http://" + host + ":65535/";
  url += std::string(secureota::kMaxUrlSize - url.size(), 'x');
  const std::string etag = "\"" + std::string(secureota::kMaxEtagSize - 2, 'e') + "\"";
  Fetching fetching(url, etag);
  CHECK(fetching.ask().find(etag) != std::string::npos);
  fetching.hears(answer(kFile, etag).substr(0, 300));
  fetching.breaks();
  CHECK(fetching.ask().find(etag) != std::string::npos);
  CHECK(Fetching(url + "x").refused(Error::BadUrl));
  CHECK(Fetching(kUrl, etag + "e\"").ask().find("If-None-Match") == std::string::npos);
}

void wholeInPiecesOfEverySize() {
  const std::string whole = answer(kFile);
  for (size_t piece = 1; piece <= whole.size(); piece += piece < 70 ? 1 : 331) {
    Fetching fetching;
    (void)fetching.ask();
    fetching.hears(whole + "and more", piece);
    CHECK(fetching.updated());
    CHECK(fetching.device.journal.story() == kWholeStory);
    CHECK(fetching.device.flash.slot == pretend::image('B'));
  }
}

void answersThatAreRefused() {
  const struct {
    std::string answer;
    Error error;
  } kCases[] = {
      {"HTTP/1.1 404 Not Found\r\n\r\n", Error::NotServed},
      {"HTTP/1.1 204 No Content\r\n\r\n", Error::NotServed},
      {"HTTP/1.1 304 Not Modified\r\n\r\n", Error::NotServed},  // nobody asked whether
      {"HTTP/1.1 300 Multiple Choices\r\nLocation: /x\r\n\r\n", Error::NotServed},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", Error::NotServed},
      {"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/2\r\n\r\n", Error::NotServed},
      {"nothing that is HTTP\r\n\r\n", Error::HttpMalformed},
      {kOk + "a" + std::string(secureota::kMaxHttpHeadSize, 'a'), Error::HttpMalformed},
      {kOk + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", Error::HttpMalformed},
      {kOk + "\r\n", Error::NotPlain},
      {kOk + "Content-Length: 9\r\nContent-Encoding: gzip\r\n\r\n", Error::NotPlain},
      {kOk + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n", Error::NotPlain},
      {kOk + "Content-Length: 0\r\n\r\n", Error::NotSigned},
      {kOk + "Content-Length: 3\r\n\r\nRed", Error::NotSigned},
      {kOk + "Content-Length: 7\r\n\r\nRedWax/", Error::Truncated},
      {kOk + "Content-Length: 5\r\n\r\n<html>", Error::NotSigned},
      {kOk + "Content-Length: 4294967295\r\n\r\n" + kFile, Error::TrailingData},
      {kOk + "Content-Length: " + std::to_string(kFile.size() - 1) + "\r\n\r\n" + kFile,
       Error::Truncated},
      {"HTTP/1.1 302 Found\r\n\r\n", Error::BadUrl},
      {"HTTP/1.1 302 Found\r\nLocation: https://h/\r\n\r\n", Error::BadUrl},
      {"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n", Error::BadUrl},
      {"HTTP/1.1 302 Found\r\nLocation: /" + std::string(secureota::kMaxUrlSize, 'x') + "\r\n\r\n",
       Error::BadUrl},
  };
  for (const auto& each : kCases) {
    for (size_t piece : {1, 7, 9000}) {
      Fetching fetching;
      (void)fetching.ask();
      fetching.hears(each.answer, piece);
      if (!fetching.refused(each.error)) {
        printf("    %s\n", each.answer.substr(0, 80).c_str());
      }
      CHECK(!fetching.device.journal.has("open"));
    }
  }
}

void urlsThatAreRefused() {
  for (const char* bad : {"", "h/x", "ftp://h/", "http://"}) {
    Fetching fetching(bad);
    CHECK(fetching.refused(Error::BadUrl));
  }
}

void redirections() {
  const std::string kSeeHere = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /next?";
  Fetching fetching;
  std::string url;
  for (unsigned i = 0; i < secureota::kMaxRedirects; ++i) {
    (void)fetching.ask();
    fetching.hears(kSeeHere + std::to_string(i) + "#x\r\nContent-Length: 5\r\n\r\nmoved");
    const std::string target = web_server::textOf(fetching.pull.url().target);
    CHECK(target == "/next?" + std::to_string(i));
  }
  Fetching tooMany;  // the same, and one more
  for (unsigned i = 0; i <= secureota::kMaxRedirects; ++i) {
    (void)tooMany.ask();
    tooMany.hears(kSeeHere + "\r\n\r\n");
  }
  CHECK(tooMany.refused(Error::TooManyRedirects));
  // What breaks is asked for at the first address again, and may be sent around as often.
  (void)fetching.ask();
  fetching.hears(answer(kFile).substr(0, 500));
  fetching.breaks();
  CHECK(fetching.ask().find("GET /a/lamp.bin?v=2 ") == 0);
  for (unsigned i = 0; i < secureota::kMaxRedirects; ++i) {
    fetching.hears(kSeeHere + "\r\n\r\n");
    CHECK(fetching.ask().find("Range: ") != std::string::npos);
  }
  fetching.hears(answer(kFile, kEtag, 500 - answer(kFile).find("RedWax")));
  CHECK(fetching.updated());
}

void redirectionToAnotherHost() {
  Fetching fetching;
  (void)fetching.ask();
  fetching.hears("HTTP/1.1 301 x\r\nLocation: http://other.example/y\r\n\r\n");
  CHECK(fetching.ask().find("GET /y HTTP/1.1\r\nHost: other.example\r\n") == 0);
  CHECK(web_server::textOf(fetching.pull.url().host) == "other.example");
}

void interimAnswers() {
  std::string hints;
  for (unsigned i = 0; i < secureota::kMaxInterim; ++i) {
    hints += "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  }
  Fetching fetching;
  (void)fetching.ask();
  fetching.hears(hints + answer(kFile));
  CHECK(fetching.updated());
  Fetching tooMany;
  (void)tooMany.ask();
  tooMany.hears(hints + "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(tooMany.refused(Error::NotServed));
}

void nothingNew() {
  // The server says so, to who asks.
  Fetching asked(kUrl, kEtag);
  (void)asked.ask();
  asked.hears("HTTP/1.1 304 Not Modified\r\n\r\n");
  CHECK(asked.endedWith(Outcome::NothingNew));
  CHECK(web_server::textOf(asked.pull.etag()) == kEtag);
  CHECK(asked.device.journal.lines.empty());
  // Or the token does; what stands behind it is of no interest.
  const std::string file =
      web_server::text(pretend::containerOf(kTokenA3, pretend::Buffer(3000, '!')));
  Fetching token;
  (void)token.ask();
  token.hears(answer(file).substr(0, answer(file).size() - 2999));
  CHECK(token.endedWith(Outcome::NothingNew));
  CHECK(web_server::textOf(token.pull.etag()) == kEtag);
  CHECK(token.device.journal.story() == "alreadyRunning abort");
}

void whatWasLeftIsNotTakenAgain() {
  Fetching fetching;
  pretend::Device& device = fetching.device;
  secureota::ImageIdentity left = {{0}, kImageSize, kStart + 2 * kHour};
  CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256,
                                pretend::bytesOf(pretend::image('B')), left.digest),
              Error::None);
  CHECK_ERROR(device.floor.expect(ImageKind::Application, left), Error::None);
  device.boot.other = true;  // was given up
  CHECK_ERROR(device.trial.begin(&device.boot, &device.floor, device.running), Error::None);
  (void)fetching.ask();
  fetching.hears(answer(kFile));
  CHECK(fetching.refused(Error::ImageNotConfirmed));
  CHECK(!device.journal.has("open"));
}

void givenUp() {
  Fetching fetching;
  (void)fetching.ask();
  fetching.hears(answer(kFile).substr(0, 3000));
  CHECK(fetching.device.journal.has("open"));
  fetching.next = fetching.pull.giveUp(Error::TimedOut);
  CHECK(fetching.refused(Error::TimedOut));
}

void anotherUpdateAfterwards() {
  Fetching fetching;
  (void)fetching.ask();
  fetching.hears(answer(kFile).substr(0, 3000));
  secureota::UpdaterParts parts = fetching.device.parts();
  const Bytes url = secureota::asBytes(kUrl);
  fetching.next = fetching.pull.begin(parts, ImageKind::Application, url, Bytes());
  CHECK(fetching.ask().find("Range") == std::string::npos);
  fetching.hears(answer(kFile));
  CHECK(fetching.updated());
}

}  // namespace

int main() {
  whatIsAsked();
  theLongestRequest();
  wholeInPiecesOfEverySize();
  answersThatAreRefused();
  urlsThatAreRefused();
  redirections();
  redirectionToAnotherHost();
  interimAnswers();
  nothingNew();
  whatWasLeftIsNotTakenAgain();
  givenUp();
  anotherUpdateAfterwards();
  return secureota_test::report();
}
