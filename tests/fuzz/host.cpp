#include "host.h"

#include "meter.h"
#include "property.h"

namespace fuzz {

using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Endpoint;
using secureota::Error;

Bytes bytesOf(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string textOf(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

static std::string hex(Bytes bytes) {
  std::string text(2 * bytes.size, '0');
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size; ++i) {
    text[2 * i] = kDigits[bytes.data[i] >> 4];
    text[2 * i + 1] = kDigits[bytes.data[i] & 15];
  }
  return text;
}

std::string hexDigest(DigestAlgorithm algorithm, const std::string& text) {
  const Pause harness;
  uint8_t hash[secureota::kMaxDigestSize];
  PROPERTY(digest(algorithm, bytesOf(text), hash) == Error::None, "the harness has memory");
  return hex(Bytes(hash, digestSize(algorithm)));
}

Endpoint endpoint(uint8_t from) {
  Endpoint endpoint;
  endpoint.addressSize = 4;
  endpoint.address[3] = static_cast<uint8_t>(from / 2 % kHosts);
  endpoint.port = static_cast<uint16_t>(1000 + from % 2);
  return endpoint;
}

size_t hostOf(const Endpoint& from) {
  return from.address[3];
}

static std::string stretched(const std::string& salt) {
  const std::string hash = hexDigest(DigestAlgorithm::Sha256, kPassword);
  uint8_t key[secureota::kSha256Size];
  PROPERTY(
      pbkdf2Sha256(bytesOf(hash), bytesOf(salt), secureota::kPasswordRounds, key) == Error::None,
      "the harness has memory");
  return hex(Bytes(key, sizeof key));
}

std::string answerTo(const std::string& nonce, bool right) {
  const std::string cnonce(nonce.size(), 'c');
  const std::string salt = nonce + ":" + cnonce;
  std::string answer;
  if (nonce.size() == secureota::kShortNonceSize) {
    const std::string hash = hexDigest(DigestAlgorithm::Md5, kPassword);
    answer = hexDigest(DigestAlgorithm::Md5, hash + ":" + salt);
  } else {
    answer = hexDigest(DigestAlgorithm::Sha256, stretched(salt) + ":" + salt);
  }
  if (!right) {
    answer[3] = answer[3] == '0' ? '1' : '0';
  }
  return "200 " + cnonce + " " + answer;
}

void Counter::fill(uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    out[i] = static_cast<uint8_t>(i == 0 ? ++count_ : i);
  }
}

}  // namespace fuzz
