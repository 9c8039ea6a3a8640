// The hosts around a device: where they are, and what those among them say that know the password.
#pragma once

#include <string>

#include "secureota/auth.h"
#include "secureota/endpoint.h"
#include "secureota/random_source.h"

namespace fuzz {

const char kPassword[] = "open sesame";

secureota::Bytes bytesOf(const std::string& text);
std::string textOf(secureota::Bytes bytes);

// Lower-case hexadecimal.
std::string hexDigest(secureota::DigestAlgorithm algorithm, const std::string& text);

// Four hosts, with two ports on each; `hostOf` is which.
secureota::Endpoint endpoint(uint8_t from);
const size_t kHosts = 4;
size_t hostOf(const secureota::Endpoint& from);

// "200 <cnonce> <response>", in the form that goes with the nonce's length (docs/format.md, 3.1);
// or nearly that.
std::string answerTo(const std::string& nonce, bool right);

// The same bytes every time: what is fuzzed must be repeatable. It counts, so that no nonce serves
// twice.
class Counter final : public secureota::RandomSource {
 public:
  Counter() : count_(0) {}
  void fill(uint8_t* out, size_t size) override;

 private:
  unsigned count_;
};

}  // namespace fuzz
