// What the web server of a Fetch sends: good heads, and those with something wrong about them.
#include <stdlib.h>

#include "fetch.h"
#include "host.h"

namespace fuzz {

static std::string number(size_t value) {
  return std::to_string(value);
}

void Fetch::answer(uint8_t seed, uint8_t how) {
  file_ = fileOf(seed);
  sent_ = 0;
  std::string head = "HTTP/1.1 200 OK\r\n";
  if ((how & 2) == 0) {
    head += std::string("ETag: ") + ((how & 1) != 0 ? "W/" : "") + "\"e" + number(seed) + "\"\r\n";
  }
  if ((how & 8) == 0) {
    head += "Content-Length: " + number(file_.size() + ((how & 4) != 0 ? 1 : 0)) + "\r\n";
  }
  head += (how & 0x10) != 0 ? "Transfer-Encoding: chunked\r\n" : "";
  head += (how & 0x20) != 0 ? "Content-Encoding: gzip\r\n" : "";
  send(head + "\r\n");
}

void Fetch::part(uint8_t how) {
  ask();
  const size_t asked = request_.find("Range: bytes=");
  const size_t from = asked == std::string::npos ? 0 : strtoul(&request_[asked + 13], nullptr, 10);
  sent_ = std::min(from, file_.size());
  const size_t first = from + ((how & 1) != 0 ? 1 : 0);
  const size_t total = file_.size() + ((how & 2) != 0 ? 1 : 0);
  std::string head = "HTTP/1.1 206 Partial Content\r\n";
  head += (how & 4) != 0 ? "ETag: \"other\"\r\n" : "";
  if ((how & 8) == 0) {
    head += "Content-Range: bytes " + number(first) + "-" +
            number(total - ((how & 0x10) != 0 ? 2 : 1)) + "/" + number(total) + "\r\n";
  }
  if ((how & 0x20) == 0) {
    head += "Content-Length: " + number(file_.size() - sent_) + "\r\n";
  }
  send(head + "\r\n");
}

void Fetch::status(uint8_t which, uint8_t where) {
  static const char* const kStatuses[] = {
      "302 Found", "304 Not Modified", "103 Early Hints", "404 Not Found", "301 x", "100 Continue"};
  static const char* const kPlaces[] = {
      "/x",         "http://other.example/y?z", "https://h/", "//h/",
      "/a#b",       "http://h:1/\xff",          "y",          "",
      "http://u@h/"};
  std::string place = where < 9 ? kPlaces[where] : "/" + std::string(8 * size_t(where), 'p');
  send(std::string("HTTP/1.1 ") + kStatuses[which % 6] + "\r\nLocation: " + place + "\r\n\r\n");
}

void Fetch::stream(size_t size) {
  const size_t piece = std::min(size, file_.size() - sent_);
  const Buffer bytes(file_.begin() + static_cast<ptrdiff_t>(sent_),
                     file_.begin() + static_cast<ptrdiff_t>(sent_ + piece));
  sent_ += piece;
  hear(bytesOf(bytes));
}

void Fetch::damage(size_t where, uint8_t how) {
  file_[where % file_.size()] ^= how;
}

}  // namespace fuzz
