// Heads of HTTP requests: what is taken, and that nothing else is.
#include "secureota/http_request.h"

#include "http_head.h"

using http_head::parse;
using http_head::refuses;
using http_head::textOf;
using secureota::Error;
using secureota::HttpRequest;

namespace {

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
  HttpRequest request;
  http_head::wholeInPiecesOfEverySize(kGood, &request, [&] {
    CHECK(request.method() == HttpRequest::Method::Post);
    CHECK(textOf(request.path()) == "/update");
    CHECK(textOf(request.host()) == "192.168.1.23:8080");
    CHECK(textOf(request.origin()) == "http://192.168.1.23:8080");
    CHECK(textOf(request.contentType()) == "application/octet-stream");
    CHECK(textOf(request.kind()) == "0");
    CHECK(textOf(request.password()) == "200 a b");
    CHECK(request.hasLength() && request.length() == 1234);
    CHECK(request.expectsContinue() && !request.isCoded());
  });
}

void nothingIsLeftOfTheLastOne() {
  HttpRequest request;
  CHECK_ERROR(parse(kGood, &request), Error::None);
  CHECK_ERROR(parse("BREW / HTTP/1.0\r\n\r\n", &request), Error::None);
  CHECK(request.complete());
  CHECK(request.method() == HttpRequest::Method::Other);
  CHECK(textOf(request.path()) == "/");
  CHECK(request.host().empty() && request.origin().empty() && request.contentType().empty());
  CHECK(request.kind().empty() && request.password().empty());
  CHECK(!request.hasLength() && !request.isCoded() && !request.expectsContinue());
}

void methods() {
  HttpRequest request;
  CHECK_ERROR(parse("GET / HTTP/1.1\r\n\r\n", &request), Error::None);
  CHECK(request.method() == HttpRequest::Method::Get);
  for (const char* other : {"get", "GETS", "HEAD", "OPTIONS", "PUT", "post"}) {
    CHECK_ERROR(parse(std::string(other) + " / HTTP/1.1\r\n\r\n", &request), Error::None);
    CHECK(request.method() == HttpRequest::Method::Other);
  }
}

void badFirstLines() {
  const char* const kBad[] = {
      "",
      "GET",
      "GET /",
      "GET / ",
      " GET / HTTP/1.1",
      "GET  / HTTP/1.1",
      "GET / HTTP/1.1 ",
      "GET / HTTP/1.1 x",
      "GET / HTTP/1.2",
      "GET / HTTP/2",
      "GET / http/1.1",
      "GET x HTTP/1.1",
      "GET * HTTP/1.1",
      "GET http://h/ HTTP/1.1",
      "/ HTTP/1.1",
  };
  HttpRequest request;
  for (const char* bad : kBad) {
    refuses(std::string(bad) + "\r\n\r\n", &request);
  }
}

void badFields() {
  const std::string kBad[] = {
      "Host: a\r\nHost: a",
      "Host:\r\nHost: a",
      "Origin: a\r\nOrigin: a",
      "Content-Type: a\r\nContent-Type: a",
      "X-SecureOTA-Kind: 0\r\nX-SecureOTA-Kind: 0",
      "X-SecureOTA-Password: 0\r\nx-secureota-password: 0",
      "Content-Length: 1\r\nContent-Length: 1",
      "Content-Length: 1, 1",
      "Content-Length: 01",
      "Content-Length: -1",
      "Content-Length:",
      "Content-Length: 4294967296",
      "Host: " + std::string(200, 'h'),
      "Host: " + std::string(2000, 'h'),
      "Content-Length: " + std::string(2000, ' ') + "1",
  };
  HttpRequest request;
  for (const std::string& bad : kBad) {
    refuses("GET / HTTP/1.1\r\n" + bad + "\r\n\r\n", &request);
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
  for (const char* name : {"Host", "Origin", "Content-Type", "X-SecureOTA-Kind"}) {
    const std::string start = std::string("GET / HTTP/1.1\r\n") + name + ": ";
    CHECK_ERROR(parse(start + std::string(longest, 'x') + "\r\n\r\n", &request), Error::None);
    refuses(start + std::string(longest + 1, 'x') + "\r\n\r\n", &request);
  }
  CHECK_ERROR(parse("GET /" + std::string(longest - 1, 'x') + " HTTP/1.1\r\n\r\n", &request),
              Error::None);
  CHECK(request.path().size == longest);
  CHECK_ERROR(parse("GET /" + std::string(longest, 'x') + " HTTP/1.1\r\n\r\n", &request),
              Error::None);
  CHECK(request.path().empty());  // no path of ours
}

}  // namespace

int main() {
  HttpRequest request;
  whole();
  http_head::everyPrefixIsIncomplete(kGood, &request);
  nothingIsLeftOfTheLastOne();
  methods();
  badFirstLines();
  badFields();
  limits();
  return secureota_test::report();
}
