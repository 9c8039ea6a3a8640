// Fetching an update over connections that break: what is taken up again, and what is not.
#include "web_server.h"

using web_server::answer;
using web_server::Error;
using web_server::Fetching;
using web_server::kEtag;
using web_server::Next;

namespace {

const char kWholeStory[] = "start open write seal readBack save activate activated";

const std::string kFile = web_server::text(pretend::containerOf(kTokenB2, pretend::image('B')));

size_t nextCut(size_t cut, const std::string& whole) {
  return cut + (cut < whole.find("RedWax") + 60 ? 1 : 97);
}

// Cut off anywhere: without a strong entity tag that is the end, and nothing boots.
void everyPrefixIsRefused() {
  for (const char* etag : {"", "W/\"v2\""}) {
    const std::string whole = answer(kFile, etag);
    for (size_t size = 0; size < whole.size(); size = nextCut(size, whole)) {
      Fetching fetching;
      (void)fetching.ask();
      fetching.hears(whole.substr(0, size));
      CHECK(fetching.next == Next::Read);
      fetching.breaks(Error::TimedOut);
      CHECK(fetching.refused(Error::TimedOut));
    }
  }
}

// With one it goes on where it was, once the head and a byte are there.
void everyPrefixIsContinued() {
  const std::string whole = answer(kFile);
  const size_t head = whole.find("RedWax");
  for (size_t size = 0; size < whole.size(); size = nextCut(size, whole)) {
    Fetching fetching;
    (void)fetching.ask();
    fetching.hears(whole.substr(0, size));
    fetching.breaks();
    if (size <= head) {
      CHECK(fetching.refused(Error::ConnectionLost));
      continue;
    }
    CHECK(fetching.ask().find("bytes=" + std::to_string(size - head) + "-\r\n") !=
          std::string::npos);
    fetching.hears(answer(kFile, kEtag, size - head));
    CHECK(fetching.updated());
    CHECK(fetching.device.journal.story() == kWholeStory);
  }
}

// After 500 bytes of the file.
void brokenInTheMiddle(Fetching* fetching) {
  const std::string whole = answer(kFile);
  (void)fetching->ask();
  fetching->hears(whole.substr(0, whole.find("RedWax") + 500));
  fetching->breaks();
  (void)fetching->ask();
}

void partsThatWereNotAskedFor() {
  const std::string total = std::to_string(kFile.size());
  const std::string last = std::to_string(kFile.size() - 1);
  const std::string kPart = "HTTP/1.1 206 x\r\n";
  const struct {
    std::string head;
    Error error;
  } kCases[] = {
      {"", Error::HttpMalformed},
      {"Content-Range: bytes */" + total, Error::HttpMalformed},
      {"Content-Range: bytes 499-" + last + "/" + total, Error::HttpMalformed},
      {"Content-Range: bytes 501-" + last + "/" + total, Error::HttpMalformed},
      {"Content-Range: bytes 500-600/" + total, Error::HttpMalformed},
      {"Content-Range: bytes 500-" + total + "/" + std::to_string(kFile.size() + 1),
       Error::HttpMalformed},
      {"Content-Range: bytes 500-" + last + "/" + total + "\r\nContent-Length: 5",
       Error::HttpMalformed},
      {"Content-Range: bytes 500-" + last + "/" + total + "\r\nETag: \"v3\"", Error::HttpMalformed},
      {"Content-Range: bytes 500-" + last + "/" + total + "\r\nETag: W/\"v2\"",
       Error::HttpMalformed},
      {"Content-Range: bytes 500-" + last + "/" + total + "\r\nContent-Encoding: gzip",
       Error::NotServed},
  };
  for (const auto& each : kCases) {
    Fetching fetching;
    brokenInTheMiddle(&fetching);
    fetching.hears(kPart + each.head + "\r\n\r\n" + kFile.substr(500));
    if (!fetching.refused(each.error)) {
      printf("    %s\n", each.head.c_str());
    }
  }
  Fetching fetching;  // and the good one, as short as it may be
  brokenInTheMiddle(&fetching);
  fetching.hears(kPart + "Content-Range: bytes 500-" + last + "/" + total + "\r\n\r\n" +
                 kFile.substr(500));
  CHECK(fetching.updated());
}

void fileThatWasReplacedMeanwhile() {
  Fetching fetching;
  brokenInTheMiddle(&fetching);
  fetching.hears(answer(kFile, "\"v3\""));
  CHECK(fetching.updated());
  Fetching worse;  // by one that is not good
  brokenInTheMiddle(&worse);
  worse.hears(answer(kFile.substr(0, kFile.size() - 1) + "!", "\"v3\""));
  CHECK(worse.refused(Error::ImageMismatch));
}

void connectionsThatBringNothing() {
  Fetching fetching;
  brokenInTheMiddle(&fetching);  // 1
  for (unsigned i = 1; i < secureota::kMaxFruitless; ++i) {
    CHECK(fetching.pull.fruitless() == i);
    fetching.breaks();
    (void)fetching.ask();
  }
  // A byte of the file is worth all of them.
  fetching.hears(
      answer(kFile, kEtag, 500).substr(0, answer(kFile, kEtag, 500).size() - (kFile.size() - 501)));
  CHECK(fetching.pull.fruitless() == 0);
  for (unsigned i = 0; i < secureota::kMaxFruitless; ++i) {
    fetching.breaks();
    (void)fetching.ask();
  }
  fetching.breaks(Error::TimedOut);
  CHECK(fetching.refused(Error::TimedOut));
}

}  // namespace

int main() {
  everyPrefixIsRefused();
  everyPrefixIsContinued();
  partsThatWereNotAskedFor();
  fileThatWasReplacedMeanwhile();
  connectionsThatBringNothing();
  return secureota_test::report();
}
