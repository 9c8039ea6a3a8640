// Heads of HTTP answers: what is taken, and that nothing else is.
#include "secureota/http_response.h"

#include "http_head.h"

using http_head::bytesOf;
using http_head::parse;
using http_head::refuses;
using http_head::textOf;
using secureota::Bytes;
using secureota::Error;
using secureota::HttpResponse;

namespace {

char line[secureota::kHttpResponseLineSize];

const std::string kStart = "HTTP/1.1 200 OK\r\n";

const std::string kGood =
    "HTTP/1.1 206 Partial Content\r\n"
    "server: something\r\n"
    "Content-Length: 900\r\n"
    "CONTENT-RANGE:bytes 100-999/1000\r\n"
    "ETag:  \"abc-1\" \t\r\n"
    "Location: /there\r\n"
    "Content-Encoding: Identity\r\n"
    "X-Empty:\r\n"
    "X-Obscure: \xc3\xa4!\r\n"
    "\r\n";

void whole() {
  HttpResponse response(line);
  http_head::wholeInPiecesOfEverySize(kGood, &response, [&] {
    CHECK(response.status() == 206);
    CHECK(response.hasLength() && response.length() == 900);
    CHECK(response.hasRange() && response.range().first == 100 && response.range().last == 999 &&
          response.range().total == 1000);
    CHECK(!response.isCoded());
    CHECK(textOf(response.etag()) == "\"abc-1\"");
    CHECK(textOf(response.location()) == "/there");
  });
}

void nothingIsLeftOfTheLastOne() {
  HttpResponse response(line);
  CHECK_ERROR(parse(kGood, &response), Error::None);
  CHECK_ERROR(parse("HTTP/1.0 200 \r\n\r\n", &response), Error::None);
  CHECK(response.complete());
  CHECK(response.status() == 200);
  CHECK(!response.hasLength() && !response.hasRange() && !response.isCoded());
  CHECK(response.etag().empty());
  CHECK(response.location().empty());
}

void firstLines() {
  const char* const kBad[] = {
      "",
      "HTTP/1.1",
      "HTTP/1.1 20",
      "HTTP/1.1 2000",
      "HTTP/1.1 099 x",
      "HTTP/1.1 -20 x",
      "HTTP/1.1  200 x",
      "HTTP/1.1\t200 x",
      " HTTP/1.1 200 x",
      "HTTP/2 200",
      "HTTP/1.2 200 x",
      "http/1.1 200 x",
      "ICY 200 OK",
  };
  HttpResponse response(line);
  for (const char* bad : kBad) {
    refuses(std::string(bad) + "\r\n\r\n", &response);
  }
  CHECK_ERROR(parse("HTTP/1.1 200\r\n\r\n", &response), Error::None);
}

void badFields() {
  const char* const kBad[] = {
      "Content-Length: 1\r\nContent-Length: 1",
      "Content-Length: 01",
      "Content-Length: +1",
      "Content-Length: 1,1",
      "Content-Length: 0x10",
      "Content-Length:",
      "Content-Length: 4294967296",
      "Content-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/2",
      "ETag: \"a\"\r\nETag: \"a\"",
      "ETag: a\r\nETag: \"a\"",
      "Location: /a\r\nLocation: /b",
  };
  HttpResponse response(line);
  for (const char* bad : kBad) {
    refuses(kStart + bad + "\r\n\r\n", &response);
  }
}

void fieldsThatSayNothing() {
  const char* const kNone[] = {
      "Content-Range: bytes 5-4/10",
      "Content-Range: bytes 0-10/10",
      "Content-Range: bytes */10",
      "Content-Range: bytes 0-9/*",
      "Content-Range: bytes 0-9",
      "Content-Range: bytes 0-9/4294967296",
      "Content-Range: lines 0-9/10",
      "Content-Range: 0-9/10",
      "ETag: abc",
      "ETag: \"a\"b\"",
      "ETag: \"a b\"",
      "ETag: \"",
      "ETag: w/\"a\"",
      "X-Content-Length: 5",
  };
  HttpResponse response(line);
  for (const char* none : kNone) {
    CHECK_ERROR(parse(kStart + none + "\r\n\r\n", &response), Error::None);
    if (!CHECK(!response.hasRange() && response.etag().empty() && !response.hasLength())) {
      printf("    %s\n", none);
    }
  }
}

void codings() {
  const std::string kCoded[] = {"Transfer-Encoding: chunked", "transfer-encoding: identity",
                                "Content-Encoding: gzip", "Content-Encoding: identity, gzip",
                                "Transfer-Encoding: " + std::string(2000, 'x')};
  HttpResponse response(line);
  for (const std::string& coded : kCoded) {
    CHECK_ERROR(parse(kStart + coded + "\r\n\r\n", &response), Error::None);
    CHECK(response.isCoded());
  }
}

void limits() {
  HttpResponse response(line);  // a long line of no interest is passed over
  CHECK_ERROR(parse(kStart + "Policy: " + std::string(5000, 'x') + "\r\nContent-Length: 3\r\n\r\n",
                    &response),
              Error::None);
  CHECK(response.complete() && response.length() == 3);

  const std::string url = "/" + std::string(secureota::kMaxUrlSize - 1, 'x');
  CHECK_ERROR(parse(kStart + "Location: " + url + "\r\n\r\n", &response), Error::None);
  CHECK(textOf(response.location()) == url);
  for (size_t more : {1, 99}) {
    const std::string longer = url + std::string(more, 'x');
    refuses(kStart + "Location: " + longer + "\r\n\r\n", &response, Error::BadUrl);
  }

  const std::string etag = "\"" + std::string(secureota::kMaxEtagSize - 2, 'x') + "\"";
  CHECK_ERROR(parse(kStart + "ETag: " + etag + "\r\n\r\n", &response), Error::None);
  CHECK(textOf(response.etag()) == etag);
  CHECK_ERROR(parse(kStart + "ETag: \"x" + etag.substr(1) + "\r\n\r\n", &response), Error::None);
  CHECK(response.etag().empty());
}

void etags() {
  CHECK(secureota::isStrongEtag(bytesOf("\"a\"")));
  CHECK(!secureota::isStrongEtag(bytesOf("W/\"a\"")));
  CHECK(!secureota::isStrongEtag(Bytes()));
  for (const char* good : {"W/\"a\"", "\"\"", "\"a!~\xff\""}) {
    CHECK(secureota::isEtag(bytesOf(good)));
  }
  const char* const kBad[] = {"",        "\"",       "W/",       "W/\"",       "a",
                              "\"a",     "a\"",      "\"a\"b\"", "\"a\r\nb\"", "\"a\tb\"",
                              "\"a b\"", "\"\x7f\"", "w/\"a\"",  "W/ \"a\"",   "\"a\" "};
  for (const char* bad : kBad) {
    CHECK(!secureota::isEtag(bytesOf(bad)));
  }
}

}  // namespace

int main() {
  HttpResponse response(line);
  whole();
  http_head::everyPrefixIsIncomplete(kGood, &response);
  nothingIsLeftOfTheLastOne();
  firstLines();
  badFields();
  fieldsThatSayNothing();
  codings();
  limits();
  etags();
  return secureota_test::report();
}
