// Heads of HTTP requests: what is taken, and that nothing else is.
#include "secureota/http_request.h"

#include <string>

#include "check.h"
#include "secureota/text.h"

using secureota::Bytes;
using secureota::Error;
using secureota::HttpRequest;

namespace {

Bytes bytesOf(const std::string& text) {
  return secureota::asBytes(text.data(), text.size());
}

std::string textOf(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// In pieces of `step` bytes. Counts what the head took in `taken`.
Error feed(const std::string& text, size_t step, HttpRequest* request, size_t* taken) {
  *taken = 0;
  for (size_t at = 0; at < text.size() && !request->complete(); at += step) {
    size_t used = 0;
    SECUREOTA_TRY(request->feed(bytesOf(text.substr(at, step)), &used));
    *taken += used;
  }
  return Error::None;
}

Error parse(const std::string& text, HttpRequest* request) {
  size_t taken = 0;
  return feed(text, text.size(), request, &taken);
}

const std::string kGood =
    "POST /update?x=y HTTP/1.1\r\n"
    "Host: 192.168.1.23:8080\r\n"
    "User-Agent: something\r\n"
    "ORIGIN: http://192.168.1.23:8080\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Length: 1234\r\n"
    "X-SecureOTA-Kind: 0\r\n"
    "x-secureota-password: 200 a b\r\n"
    "Expect: 100-Continue\r\n"
    "\r\n";

void whole() {
  for (size_t step = 1; step <= kGood.size() + 4; ++step) {
    HttpRequest request;
    size_t taken = 0;
    CHECK_ERROR(feed(kGood + "body", step, &request, &taken), Error::None);
    CHECK(request.complete());
    CHECK(taken == kGood.size());
    CHECK(request.method() == HttpRequest::Method::Post);
    CHECK(textOf(request.path()) == "/update");
    CHECK(textOf(request.host()) == "192.168.1.23:8080");
    CHECK(textOf(request.origin()) == "http://192.168.1.23:8080");
    CHECK(textOf(request.contentType()) == "application/octet-stream");
    CHECK(textOf(request.kind()) == "0");
    CHECK(textOf(request.password()) == "200 a b");
    CHECK(request.hasLength() && request.length() == 1234);
    CHECK(request.expectsContinue() && !request.isCoded());
  }
}

void everyPrefixIsIncomplete() {
  for (size_t size = 0; size < kGood.size(); ++size) {
    HttpRequest request;
    CHECK_ERROR(parse(kGood.substr(0, size), &request), Error::None);
    CHECK(!request.complete());
  }
}

void nothingIsLeftOfTheLastOne() {
  HttpRequest request;
  CHECK_ERROR(parse(kGood, &request), Error::None);
  request.reset();
  CHECK_ERROR(parse("BREW / HTTP/1.0\r\n\r\n", &request), Error::None);
  CHECK(request.complete());
  CHECK(request.method() == HttpRequest::Method::Other);
  CHECK(textOf(request.path()) == "/");
  CHECK(request.host().empty() && request.origin().empty() && request.contentType().empty());
  CHECK(request.kind().empty() && request.password().empty());
  CHECK(!request.hasLength() && !request.isCoded() && !request.expectsContinue());
}

void firstLines() {
  const char* const kBad[] = {
      "",
      "GET",
      "GET /",
      "GET / ",
      " GET / HTTP/1.1",
      "GET  / HTTP/1.1",
      "GET / HTTP/1.1 ",
      "GET / HTTP/1.2",
      "GET / http/1.1",
      "GET x HTTP/1.1",
      "GET * HTTP/1.1",
      "GET http://h/ HTTP/1.1",
      "/ HTTP/1.1",
  };
  for (const char* bad : kBad) {
    HttpRequest request;
    if (!CHECK_ERROR(parse(std::string(bad) + "\r\n\r\n", &request), Error::HttpMalformed)) {
      printf("    %s\n", bad);
    }
  }
}

void badFields() {
  const std::string kBad[] = {
      "Host: a\r\nHost: a",
      "Origin: a\r\nOrigin: a",
      "X-SecureOTA-Kind: 0\r\nX-SecureOTA-Kind: 0",
      "Content-Length: 1\r\nContent-Length: 1",
      "Content-Length: 1, 1",
      "Content-Length: 4294967296",
      "Host: " + std::string(200, 'h'),
      "Host: " + std::string(2000, 'h'),
      "Content-Length: " + std::string(2000, ' ') + "1",
      "Host : a",
      " Host: a",
      "nonsense",
      "Nul: " + std::string(1, '\0'),
      "Bare: cr\r!",
      "Bare: lf\n",
  };
  for (const std::string& bad : kBad) {
    HttpRequest request;
    if (!CHECK_ERROR(parse("GET / HTTP/1.1\r\n" + bad + "\r\n\r\n", &request),
                     Error::HttpMalformed)) {
      printf("    %s\n", bad.substr(0, 80).c_str());
    }
  }
}

void limits() {
  HttpRequest request;  // a long field of no interest is passed over
  CHECK_ERROR(parse("GET / HTTP/1.1\r\nCookie: " + std::string(5000, 'x') +
                        "\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n",
                    &request),
              Error::None);
  CHECK(request.complete() && request.isCoded() && textOf(request.host()) == "h");
  const size_t longest = 136;
  for (size_t size = longest - 1; size <= longest + 1; ++size) {
    request.reset();
    CHECK_ERROR(parse("GET / HTTP/1.1\r\nOrigin: " + std::string(size, 'x') + "\r\n\r\n", &request),
                size <= longest ? Error::None : Error::HttpMalformed);
  }
  request.reset();
  CHECK_ERROR(parse("GET /" + std::string(longest, 'x') + " HTTP/1.1\r\n\r\n", &request),
              Error::None);
  CHECK(request.path().empty());  // no path of ours
  request.reset();
  CHECK_ERROR(parse("GET / HTTP/1.1\r\n" + std::string(secureota::kMaxHttpHeadSize, 'x'), &request),
              Error::HttpMalformed);
}

}  // namespace

int main() {
  whole();
  everyPrefixIsIncomplete();
  nothingIsLeftOfTheLastOne();
  firstLines();
  badFields();
  limits();
  return secureota_test::report();
}
