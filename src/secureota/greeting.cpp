#include "greeting.h"

#include "crypto.h"
#include "text.h"

namespace secureota {

void Greeting::renew(RandomSource* random) {
  uint8_t bytes[kCookieSize / 2];
  random->fill(bytes, sizeof bytes);
  formatHex(Bytes(bytes, sizeof bytes), reinterpret_cast<char*>(cookie_));
}

void Greeting::begin(uint32_t now) {
  taken_ = 0;
  since_ = now;
}

// Judged only when it is complete: an answer after each byte would tell which one was wrong.
Greeting::Verdict Greeting::take(Bytes* rest) {
  const size_t missing = kGreetingSize - taken_;
  const size_t size = rest->size < missing ? rest->size : missing;
  memcpy(given_ + taken_, rest->data, size);
  taken_ += size;
  *rest = Bytes(rest->data + size, rest->size - size);
  if (taken_ < kGreetingSize) {
    return Verdict::Incomplete;
  }
  const bool right = equalInConstantTime(Bytes(given_, kCookieSize), cookie());
  return right && given_[kCookieSize] == '\n' ? Verdict::Right : Verdict::Wrong;
}

}  // namespace secureota
