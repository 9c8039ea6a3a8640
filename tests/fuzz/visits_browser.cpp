// What the visitors of a page send: good requests, and those with something wrong about them.
#include "head_opinion.h"
#include "visits.h"

namespace fuzz {

const char kHost[] = "192.0.2.7:8080";

void Visits::send(const std::string& text) {
  hear(bytesOf(text));
}

void Visits::get(uint8_t which) {
  static const char* const kPaths[] = {"/", "/challenge", "/update", "/x", "/?y"};
  send(std::string("GET ") + kPaths[which % 5] + " HTTP/1.1\r\nHost: " + kHost + "\r\n\r\n");
}

void Visits::upload(uint8_t seed, uint8_t how, uint8_t proof) {
  container_ = fileOf(seed);
  sent_ = 0;
  const std::string host = (how & 0x20) != 0 ? "other.example" : kHost;
  std::string head = "POST /update HTTP/1.1\r\nHost: " + host + "\r\n";
  if ((how & 0x40) == 0) {
    head += "Origin: http://" + ((how & 2) != 0 ? std::string("evil.example") : host) + "\r\n";
  }
  head += "Content-Type: application/octet-stream\r\nContent-Length: " +
          std::to_string(container_.size() + ((how & 8) != 0 ? 1 : 0)) + "\r\n";
  if ((how & 4) == 0) {
    head += std::string("X-SecureOTA-Kind: ") + ((how & 1) != 0 ? "100" : "0") + "\r\n";
  }
  head += (how & 0x10) != 0 ? "Expect: 100-continue\r\n" : "";
  head += (how & 0x80) != 0 ? "Transfer-Encoding: chunked\r\n" : "";
  if (proof % 3 != 0 && !nonce_.empty()) {
    const bool right = proof % 3 == 2;
    proven_ = proven_ || (right && !served_ && challenged_.sameAddress(from_));
    head += "X-SecureOTA-Password: " + answerTo(nonce_, right) + "\r\n";
  }
  send(head + "\r\n");
}

void Visits::stream(size_t size) {
  const size_t piece = std::min(size, container_.size() - sent_);
  const Buffer bytes(container_.begin() + static_cast<ptrdiff_t>(sent_),
                     container_.begin() + static_cast<ptrdiff_t>(sent_ + piece));
  sent_ += piece;
  hear(bytesOf(bytes));
}

void Visits::damage(size_t where, uint8_t how) {
  container_[where % container_.size()] ^= how;
}

}  // namespace fuzz
