// Heads of HTTP answers, and URLs: what is taken, and that nothing else is.
#include "secureota/http_response.h"

#include <string>

#include "check.h"
#include "secureota/text.h"

using secureota::Bytes;
using secureota::Error;
using secureota::HttpResponse;
using secureota::Url;

namespace {

char line[secureota::kHttpResponseLineSize];

Bytes bytesOf(const std::string& text) {
  return secureota::asBytes(text.data(), text.size());
}

std::string textOf(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// In pieces of `step` bytes. Counts what the head took in `taken`.
Error feed(const std::string& text, size_t step, HttpResponse* response, size_t* taken) {
  *taken = 0;
  for (size_t at = 0; at < text.size() && !response->complete(); at += step) {
    size_t used = 0;
    SECUREOTA_TRY(response->feed(bytesOf(text.substr(at, step)), &used));
    *taken += used;
  }
  return Error::None;
}

Error parse(const std::string& text, HttpResponse* response) {
  size_t taken = 0;
  return feed(text, text.size(), response, &taken);
}

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
  for (size_t step = 1; step <= kGood.size() + 4; ++step) {
    HttpResponse response(line);
    size_t taken = 0;
    CHECK_ERROR(feed(kGood + "body", step, &response, &taken), Error::None);
    CHECK(response.complete());
    CHECK(taken == kGood.size());
    CHECK(response.status() == 206);
    CHECK(response.hasLength() && response.length() == 900);
    CHECK(response.hasRange() && response.range().first == 100 && response.range().last == 999 &&
          response.range().total == 1000);
    CHECK(!response.isCoded());
    CHECK(textOf(response.etag()) == "\"abc-1\"");
    CHECK(textOf(response.location()) == "/there");
  }
}

void everyPrefixIsIncomplete() {
  for (size_t size = 0; size < kGood.size(); ++size) {
    HttpResponse response(line);
    CHECK_ERROR(parse(kGood.substr(0, size), &response), Error::None);
    CHECK(!response.complete());
  }
}

void nothingIsLeftOfTheLastOne() {
  HttpResponse response(line);
  CHECK_ERROR(parse(kGood, &response), Error::None);
  response.reset();
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
  for (const char* bad : kBad) {
    HttpResponse response(line);
    if (!CHECK_ERROR(parse(std::string(bad) + "\r\n\r\n", &response), Error::HttpMalformed)) {
      printf("    %s\n", bad);
    }
  }
  HttpResponse response(line);
  CHECK_ERROR(parse("HTTP/1.1 200\r\n\r\n", &response), Error::None);
}

void badFields() {
  const std::string kBad[] = {
      "no colon",
      ": no name",
      "Space : before the colon",
      " Folded: line",
      "\tFolded: line",
      "Na(me: x",
      "N\xc3\xa4me: x",
      "Content-Length: 1\r\nContent-Length: 1",
      "Content-Length: 01",
      "Content-Length: +1",
      "Content-Length: 1,1",
      "Content-Length: 0x10",
      "Content-Length:",
      "Content-Length: 4294967296",
      "Content-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/2",
      "ETag: \"a\"\r\nETag: \"a\"",
      "Location: /a\r\nLocation: /b",
      "Nul: " + std::string(1, '\0'),
      "Bell: \a",
      "Delete: \x7f",
      "Bare: cr\r!",
      "Bare: lf\n",
  };
  for (const std::string& bad : kBad) {
    HttpResponse response(line);
    if (!CHECK_ERROR(parse("HTTP/1.1 200 OK\r\n" + bad + "\r\n\r\n", &response),
                     Error::HttpMalformed)) {
      printf("    %s\n", bad.c_str());
    }
  }
}

void fieldsThatSayNothing() {
  const char* const kNone[] = {
      "Content-Range: bytes 5-4/10",
      "Content-Range: bytes 0-10/10",
      "Content-Range: bytes */10",
      "Content-Range: bytes 0-9/*",
      "Content-Range: lines 0-9/10",
      "Content-Range: 0-9/10",
      "ETag: abc",
      "ETag: \"a\"b\"",
      "ETag: \"a b\"",
      "ETag: \"",
      "ETag: w/\"a\"",
      "X-Content-Length: 5",
  };
  for (const char* none : kNone) {
    HttpResponse response(line);
    CHECK_ERROR(parse("HTTP/1.1 200 OK\r\n" + std::string(none) + "\r\n\r\n", &response),
                Error::None);
    if (!CHECK(!response.hasRange() && response.etag().empty() && !response.hasLength())) {
      printf("    %s\n", none);
    }
  }
}

void codings() {
  const char* const kCoded[] = {"Transfer-Encoding: chunked", "transfer-encoding: identity",
                                "Content-Encoding: gzip", "Content-Encoding: identity, gzip"};
  for (const char* coded : kCoded) {
    HttpResponse response(line);
    CHECK_ERROR(parse("HTTP/1.1 200 OK\r\n" + std::string(coded) + "\r\n\r\n", &response),
                Error::None);
    CHECK(response.isCoded());
  }
}

void limits() {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  {
    HttpResponse response(line);  // a long line of no interest is passed over
    CHECK_ERROR(parse(start + "Policy: " + std::string(5000, 'x') + "\r\nContent-Length: 3\r\n\r\n",
                      &response),
                Error::None);
    CHECK(response.complete() && response.length() == 3);
  }
  {
    HttpResponse response(line);
    const std::string longest = "/" + std::string(secureota::kMaxUrlSize - 1, 'x');
    CHECK_ERROR(parse(start + "Location: " + longest + "\r\n\r\n", &response), Error::None);
    CHECK(textOf(response.location()) == longest);
    response.reset();
    CHECK_ERROR(parse(start + "Location: " + longest + "x\r\n\r\n", &response), Error::BadUrl);
    response.reset();
    CHECK_ERROR(
        parse(start + "Location: " + longest + std::string(99, 'x') + "\r\n\r\n", &response),
        Error::BadUrl);
  }
  {
    HttpResponse response(line);
    const std::string longest = "\"" + std::string(secureota::kMaxEtagSize - 2, 'x') + "\"";
    CHECK_ERROR(parse(start + "ETag: " + longest + "\r\n\r\n", &response), Error::None);
    CHECK(textOf(response.etag()) == longest);
    response.reset();
    CHECK_ERROR(parse(start + "ETag: \"x" + longest.substr(1) + "\r\n\r\n", &response),
                Error::None);
    CHECK(response.etag().empty());
  }
  {
    const size_t room = secureota::kMaxHttpHeadSize - start.size() - sizeof "a:\r\n\r\n" + 1;
    HttpResponse response(line);
    CHECK_ERROR(parse(start + "a:" + std::string(room, 'x') + "\r\n\r\n", &response), Error::None);
    CHECK(response.complete());
    response.reset();
    CHECK_ERROR(parse(start + "a:" + std::string(room + 1, 'x') + "\r\n\r\n", &response),
                Error::HttpMalformed);
  }
}

void etags() {
  CHECK(secureota::isStrongEtag(bytesOf("\"a\"")));
  CHECK(!secureota::isStrongEtag(bytesOf("W/\"a\"")));
  CHECK(!secureota::isStrongEtag(Bytes()));
  CHECK(secureota::isEtag(bytesOf("W/\"a\"")));
  CHECK(secureota::isEtag(bytesOf("\"\"")));
}

// ---- URLs ----

void goodUrls() {
  const std::string text = "https://ota.example.com:8443/a/b.bin?c=d";
  Url url;
  CHECK_ERROR(secureota::parseUrl(bytesOf(text), &url), Error::None);
  CHECK(url.tls && url.port == 8443);
  CHECK(textOf(url.host) == "ota.example.com");
  CHECK(textOf(url.authority) == "ota.example.com:8443");
  CHECK(textOf(url.target) == "/a/b.bin?c=d");
  const std::string shortest = "http://h";
  CHECK_ERROR(secureota::parseUrl(bytesOf(shortest), &url), Error::None);
  CHECK(!url.tls && url.port == 80 && url.target.empty());
}

void badUrls() {
  const std::string kBad[] = {
      "",
      "http:/",
      "http://",
      "http:///x",
      "HTTP://h/",
      "ftp://h/",
      "//h/x",
      "/x",
      "http://user@h/",
      "http://[::1]/",
      "http://h:/",
      "http://h:0/",
      "http://h:65536/",
      "http://h:8a/",
      "http://h:1:2/",
      "http://h/a b",
      "http://h/a\r\nHost: x",
      "http://h/#top",
      "http://h/\x80",
      "http://h?x",
      "http://" + std::string(secureota::kMaxHostSize + 1, 'h') + "/",
      "http://h/" + std::string(secureota::kMaxUrlSize, 'x'),
  };
  for (const std::string& bad : kBad) {
    Url url;
    url.port = 7;
    if (!CHECK_ERROR(secureota::parseUrl(bytesOf(bad), &url), Error::BadUrl)) {
      printf("    %s\n", bad.c_str());
    }
    CHECK(url.port == 7);  // untouched
  }
}

std::string resolved(const std::string& base, const std::string& reference) {
  char text[secureota::kMaxUrlSize];
  memcpy(text, base.data(), base.size());
  Url url;
  CHECK_ERROR(secureota::parseUrl(secureota::asBytes(text, base.size()), &url), Error::None);
  size_t size = 0;
  if (secureota::resolveReference(url, bytesOf(reference), text, &size) != Error::None) {
    CHECK(std::string(text, base.size()) == base);  // untouched
    return "BadUrl";
  }
  return std::string(text, size);
}

void references() {
  CHECK(resolved("http://h:8/a/b?c", "/d?e#f") == "http://h:8/d?e");
  CHECK(resolved("http://h", "/d") == "http://h/d");
  CHECK(resolved("https://h/a", "https://other.example/x#y") == "https://other.example/x");
  CHECK(resolved("https://h/a", "http://h/a") == "BadUrl");  // no way down
  CHECK(resolved("http://h/a", "https://h/a") == "BadUrl");
  CHECK(resolved("http://h/a", "//other/x") == "BadUrl");
  CHECK(resolved("http://h/a", "b") == "BadUrl");
  CHECK(resolved("http://h/a", "") == "BadUrl");
  CHECK(resolved("http://h/a", "#b") == "BadUrl");
  CHECK(resolved("http://h/a", "/b c") == "BadUrl");
  CHECK(resolved("http://h/a", "/" + std::string(secureota::kMaxUrlSize - 9, 'x')).size() ==
        secureota::kMaxUrlSize);
  CHECK(resolved("http://h/a", "/" + std::string(secureota::kMaxUrlSize - 8, 'x')) == "BadUrl");
}

}  // namespace

int main() {
  whole();
  everyPrefixIsIncomplete();
  nothingIsLeftOfTheLastOne();
  firstLines();
  badFields();
  fieldsThatSayNothing();
  codings();
  limits();
  etags();
  goodUrls();
  badUrls();
  references();
  return secureota_test::report();
}
