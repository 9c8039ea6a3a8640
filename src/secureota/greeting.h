// Direct mode (docs/format.md, 3.2): the host connects to us, and whoever connects must first say
// the cookie that the invitation's answer carried.
//
// The address alone proves little: other programs share it, or a network that translates addresses.
#pragma once

#include "bytes.h"
#include "random_source.h"

namespace secureota {

const size_t kCookieSize = 32;                 // characters: 128 bits in hexadecimal
const size_t kGreetingSize = kCookieSize + 1;  // bytes: the cookie and '\n'
const uint32_t kGreetingTimeout = 2000;  // milliseconds from the connection to the last of them

class Greeting {
 public:
  Greeting() : taken_(0), since_(0) { memset(cookie_, 0, sizeof cookie_); }

  // Makes the cookie of the next upload: kCookieSize characters, good until the next call.
  void renew(RandomSource* random);
  Bytes cookie() const { return Bytes(cookie_, kCookieSize); }

  // Somebody has connected.
  void begin(uint32_t now);

  // Takes the greeting off the front of what came.
  enum class Verdict : uint8_t { Incomplete, Wrong, Right };
  Verdict take(Bytes* rest);

  // It is not there, and should be.
  bool isLate(uint32_t now) const { return now - since_ >= kGreetingTimeout; }

 private:
  uint8_t cookie_[kCookieSize];
  uint8_t given_[kGreetingSize];
  size_t taken_;    // bytes of given_
  uint32_t since_;  // when the peer connected
};

}  // namespace secureota
