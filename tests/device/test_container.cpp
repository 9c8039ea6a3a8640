// The header line: what is taken, what is refused and why, in pieces of every size.
#include <string>

#include "check.h"
#include "secureota/container.h"
#include "secureota/text.h"

using secureota::Bytes;
using secureota::ContainerHeader;
using secureota::Error;
using secureota::HeaderReader;

namespace {

Bytes bytesOf(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

void acceptsWhatDeployedSignersWrite() {
  const struct {
    const char* line;
    uint32_t token;
    uint32_t image;
  } kLines[] = {
      {"RedWax/1.00 rfc3161=1 payload=1", 1, 1},
      {"RedWax/1.00 rfc3161=909 payload=1048576", 909, 1048576},
      {"RedWax/1.00 payload=5 rfc3161=7", 7, 5},
      {"RedWax/1.0 rfc3161=4294967295 payload=4294967295", 4294967295U, 4294967295U},
      {"RedWax/1.99 rfc3161=1 payload=2 model=x hw=3", 1, 2},
      {"RedWax/1.00 a= rfc3161=1 payload=2 b==c ~=~", 1, 2},
      {"RedWax/1.00 rfc3161=1 payload=2 twice=1 twice=2", 1, 2},
      {"RedWax/1.00 RFC3161=9 rfc3161=1 payload=2", 1, 2},
  };
  for (const auto& each : kLines) {
    ContainerHeader header;
    CHECK_ERROR(secureota::parseContainerHeader(secureota::asBytes(each.line), &header),
                Error::None);
    CHECK(header.tokenSize == each.token);
    CHECK(header.imageSize == each.image);
  }
}

void refusesEverythingElse() {
  const std::string kLines[] = {
      "",
      "RedWax/1.00",
      "RedWax/1.00 ",
      "RedWax/1.00 rfc3161=1",
      "RedWax/1.00 payload=1",
      "RedWax/1. rfc3161=1 payload=1",
      "RedWax/1 rfc3161=1 payload=1",
      "RedWax/2.00 rfc3161=1 payload=1",
      "RedWax/1.0a rfc3161=1 payload=1",
      "RedWax/11.0 rfc3161=1 payload=1",
      "redwax/1.00 rfc3161=1 payload=1",
      "RedWax/1.00  rfc3161=1 payload=1",
      "RedWax/1.00 rfc3161=1  payload=1",
      "RedWax/1.00 rfc3161=1 payload=1 ",
      " RedWax/1.00 rfc3161=1 payload=1",
      "RedWax/1.00 rfc3161=0 payload=1",
      "RedWax/1.00 rfc3161=1 payload=0",
      "RedWax/1.00 rfc3161=01 payload=1",
      "RedWax/1.00 rfc3161=+1 payload=1",
      "RedWax/1.00 rfc3161=-1 payload=1",
      "RedWax/1.00 rfc3161=1x payload=1",
      "RedWax/1.00 rfc3161=0x1 payload=1",
      "RedWax/1.00 rfc3161= payload=1",
      "RedWax/1.00 rfc3161 payload=1",
      "RedWax/1.00 rfc3161=4294967296 payload=1",
      "RedWax/1.00 rfc3161=4294967297 payload=1",
      "RedWax/1.00 rfc3161=99999999999999999999 payload=1",
      "RedWax/1.00 rfc3161=1 rfc3161=1 payload=1",
      "RedWax/1.00 rfc3161=1 payload=1 payload=1",
      "RedWax/1.00 rfc3161=1 payload=1 =x",
      "RedWax/1.00 rfc3161=1 payload=1 x",
      "RedWax/1.00 rfc3161=1 payload=1\r",
      "RedWax/1.00 rfc3161=1\tpayload=1",
      "RedWax/1.00 rfc3161=1 payload=1 k=\x7f",
      "RedWax/1.00 rfc3161=1 payload=1 k=\xc3\xa4",
      std::string("RedWax/1.00 rfc3161=1 payload=1 k=\0", 35),
  };
  for (const std::string& line : kLines) {
    ContainerHeader header;
    header.tokenSize = header.imageSize = 7;
    if (!CHECK_ERROR(secureota::parseContainerHeader(bytesOf(line), &header),
                     Error::HeaderMalformed)) {
      printf("    %s\n", line.c_str());
    }
    CHECK(header.tokenSize == 7 && header.imageSize == 7);  // untouched
  }
}

// Feeds `input` in pieces; what was not taken stays in `rest`.
Error feed(HeaderReader* reader, const std::string& input, size_t piece, std::string* rest) {
  size_t at = 0;
  while (at < input.size() && !reader->complete()) {
    const size_t size = input.size() - at < piece ? input.size() - at : piece;
    size_t taken = 0;
    const Error error = reader->feed(bytesOf(input.substr(at, size)), &taken);
    if (error != Error::None) {
      return error;
    }
    at += taken;
  }
  *rest = input.substr(at);
  return Error::None;
}

void takesTheLineAndNotAByteMore() {
  const std::string line = "RedWax/1.00 rfc3161=12 payload=34\n";
  for (size_t piece = 1; piece <= line.size() + 9; ++piece) {
    HeaderReader reader;
    std::string rest;
    CHECK_ERROR(feed(&reader, line + "the token", piece, &rest), Error::None);
    CHECK(reader.complete());
    CHECK(reader.size() == line.size());
    CHECK(reader.header().tokenSize == 12 && reader.header().imageSize == 34);
    CHECK(rest == "the token");
  }
}

void knowsWhyALineIsNone() {
  const std::string pad(200, 'x');
  const std::string longest = "RedWax/1.00 rfc3161=12 payload=34 pad=" + pad;
  const struct {
    std::string input;
    Error error;
  } kInputs[] = {
      {longest.substr(0, 127) + "\n", Error::None},
      {longest.substr(0, 128) + "\n", Error::HeaderTooLong},
      {longest, Error::HeaderTooLong},
      {"RedWax/" + pad, Error::HeaderTooLong},
      {"\n", Error::NotSigned},
      {"\xe9", Error::NotSigned},
      {"RedWax-", Error::NotSigned},
      {"RedWax/\n", Error::HeaderMalformed},
      {"RedWax/1.00\n", Error::HeaderMalformed},
  };
  for (const auto& each : kInputs) {
    for (size_t piece = 1; piece <= 130; ++piece) {
      HeaderReader reader;
      std::string rest;
      CHECK_ERROR(feed(&reader, each.input, piece, &rest), each.error);
    }
  }
}

void everyPrefixIsIncomplete() {
  const std::string line = "RedWax/1.00 rfc3161=12 payload=34\n";
  for (size_t size = 0; size < line.size(); ++size) {
    HeaderReader reader;
    std::string rest;
    CHECK_ERROR(feed(&reader, line.substr(0, size), 1, &rest), Error::None);
    CHECK(!reader.complete());
    CHECK_ERROR(reader.whyIncomplete(), size < 7 ? Error::NotSigned : Error::Truncated);
  }
}

void forgets() {
  HeaderReader reader;
  std::string rest;
  CHECK_ERROR(feed(&reader, "RedWax/1.00 rfc3161=1 payload=2\n", 99, &rest), Error::None);
  reader.reset();
  CHECK(!reader.complete() && reader.size() == 0);
  CHECK_ERROR(feed(&reader, "RedWax/1.00 rfc3161=3 payload=4\n", 99, &rest), Error::None);
  CHECK(reader.header().tokenSize == 3);
}

}  // namespace

int main() {
  acceptsWhatDeployedSignersWrite();
  refusesEverythingElse();
  takesTheLineAndNotAByteMore();
  knowsWhyALineIsNone();
  everyPrefixIsIncomplete();
  forgets();
  return secureota_test::report();
}
