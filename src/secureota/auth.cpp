#include "auth.h"

#include "text.h"

namespace secureota {
namespace {

const size_t kMd5Size = 16;

Error hexDigest(DigestAlgorithm algorithm, Bytes bytes, char* out) {
  uint8_t hash[kMaxDigestSize];
  SECUREOTA_TRY(digest(algorithm, bytes, hash));
  formatHex(Bytes(hash, digestSize(algorithm)), out);
  return Error::None;
}

// digest(hash ":" nonce ":" cnonce)
Error digestOfParts(DigestAlgorithm algorithm, Bytes hash, Bytes nonce, Bytes cnonce,
                    uint8_t* out) {
  Digest running;
  SECUREOTA_TRY(running.begin(algorithm));
  SECUREOTA_TRY(running.update(hash));
  SECUREOTA_TRY(running.update(asBytes(":")));
  SECUREOTA_TRY(running.update(nonce));
  SECUREOTA_TRY(running.update(asBytes(":")));
  SECUREOTA_TRY(running.update(cnonce));
  return running.finish(out);
}

Error compare(Bytes response, const uint8_t* expected, size_t size) {
  uint8_t given[kMaxDigestSize];
  if (!parseHex(response, given, size) ||
      !equalInConstantTime(Bytes(given, size), Bytes(expected, size))) {
    return Error::NotAuthorized;
  }
  return Error::None;
}

bool splitAnswer(Bytes datagram, Bytes* cnonce, Bytes* response) {
  Bytes rest = datagram;
  const Bytes command = cut(&rest, ' ');
  *cnonce = cut(&rest, ' ');
  *response = cut(&rest, '\n');
  return rest.empty() && command == asBytes("200") && !datagram.empty() &&
         datagram.data[datagram.size - 1] == '\n';
}

bool isHex(Bytes text, size_t digits) {
  uint8_t unused[kLongNonceSize / 2];
  return parseHex(text, unused, digits / 2);
}

}  // namespace

bool isPasswordAnswer(Bytes datagram, size_t nonceSize) {
  Bytes cnonce;
  Bytes response;
  return splitAnswer(datagram, &cnonce, &response) && isHex(cnonce, nonceSize) &&
         isHex(response, nonceSize);
}

Error Password::set(const char* text) {
  ++changes_;
  refuseAll_ = false;
  sha256Size_ = 0;
  md5Size_ = 0;
  if (text == nullptr || *text == '\0') {
    return Error::None;
  }
  SECUREOTA_TRY(hexDigest(DigestAlgorithm::Sha256, asBytes(text), sha256_));
  SECUREOTA_TRY(hexDigest(DigestAlgorithm::Md5, asBytes(text), md5_));
  sha256Size_ = sizeof sha256_;
  md5Size_ = sizeof md5_;
  return Error::None;
}

Error Password::setHash(const char* hex) {
  ++changes_;
  const Bytes text = asBytes(hex);
  uint8_t hash[kSha256Size];
  if (parseHex(text, hash, kSha256Size)) {
    formatHex(Bytes(hash, kSha256Size), sha256_);
    sha256Size_ = sizeof sha256_;
    md5Size_ = 0;
    refuseAll_ = false;
    return Error::None;
  }
  if (parseHex(text, hash, kMd5Size)) {
    formatHex(Bytes(hash, kMd5Size), md5_);
    md5Size_ = sizeof md5_;
    sha256Size_ = 0;
    refuseAll_ = false;
    return Error::None;
  }
  return Error::NotAuthorized;
}

void Password::refuseAll() {
  ++changes_;
  refuseAll_ = true;
}

Error Password::derive(Bytes salt, uint8_t out[kSha256Size]) const {
  // A sketch that knows only the MD5 of its password uses that as the hash: so do its hosts.
  const Bytes hash = sha256Size_ != 0 ? asBytes(sha256_, sha256Size_) : asBytes(md5_, md5Size_);
  if (refuseAll_ || hash.empty()) {
    return Error::NotAuthorized;
  }
  return pbkdf2Sha256(hash, salt, kPasswordRounds, out);
}

Error Password::check(Bytes datagram, PasswordForm form, Bytes nonce) const {
  if (refuseAll_ || !isPasswordAnswer(datagram, nonce.size)) {
    return Error::NotAuthorized;
  }
  Bytes cnonce;
  Bytes response;
  (void)splitAnswer(datagram, &cnonce, &response);
  return form == PasswordForm::Pbkdf2 ? checkPbkdf2(nonce, cnonce, response)
                                      : checkMd5(nonce, cnonce, response);
}

Error Password::checkPbkdf2(Bytes nonce, Bytes cnonce, Bytes response) const {
  uint8_t salt[2 * kLongNonceSize + 1];
  memcpy(salt, nonce.data, kLongNonceSize);
  salt[kLongNonceSize] = ':';
  memcpy(salt + kLongNonceSize + 1, cnonce.data, kLongNonceSize);
  uint8_t key[kSha256Size];
  SECUREOTA_TRY(derive(Bytes(salt, sizeof salt), key));
  char keyHex[2 * kSha256Size];
  formatHex(Bytes(key, sizeof key), keyHex);
  uint8_t expected[kSha256Size];
  SECUREOTA_TRY(digestOfParts(DigestAlgorithm::Sha256, asBytes(keyHex, sizeof keyHex), nonce,
                              cnonce, expected));
  return compare(response, expected, kSha256Size);
}

Error Password::checkMd5(Bytes nonce, Bytes cnonce, Bytes response) const {
  uint8_t expected[kMd5Size];
  SECUREOTA_TRY(
      digestOfParts(DigestAlgorithm::Md5, asBytes(md5_, md5Size_), nonce, cnonce, expected));
  return compare(response, expected, kMd5Size);
}

}  // namespace secureota
