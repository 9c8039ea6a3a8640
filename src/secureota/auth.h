// The password of the upload protocol, from the device's side (docs/format.md, section 2).
//
// It keeps strangers from starting uploads; it does not protect the image, whose signature does. A
// device sends a nonce, the host answers with `200 <cnonce> <response>\n`, where
//
//     PBKDF2 form, nonce of 64 digits:  k = PBKDF2-HMAC-SHA256(hash, nonce ":" cnonce, 10,000)
//                                       response = sha256(hex(k) ":" nonce ":" cnonce)
//     MD5 form, nonce of 32 digits:     response = md5(hash ":" nonce ":" cnonce)
//
// and `hash` is the password's hash in lower-case hexadecimal. Who listens to the MD5 form can try
// billions of passwords a second, so that it must be allowed by name.
#pragma once

#include "bytes.h"
#include "crypto.h"
#include "error.h"

namespace secureota {

const uint32_t kPasswordRounds = 10000;
const size_t kLongNonceSize = 64;   // characters
const size_t kShortNonceSize = 32;  // characters

enum class PasswordForm : uint8_t { Pbkdf2, Md5 };

// Is it a whole `200 <cnonce> <response>\n`, with numbers of the length that goes with such a
// nonce? Only then is it worth a computation.
bool isPasswordAnswer(Bytes datagram, size_t nonceSize);

// The password that a device asks for, kept as hashes.
class Password {
 public:
  Password() : sha256Size_(0), md5Size_(0), md5Allowed_(false), refuseAll_(false), changes_(0) {}

  // No password if `text` is null or empty.
  SECUREOTA_NODISCARD Error set(const char* text);

  // SHA-256 of the password, 64 hexadecimal digits, or its MD5, 32. NotAuthorized, and the password
  // is what it was, for anything else.
  SECUREOTA_NODISCARD Error setHash(const char* hex);

  // Asks for a password that nobody has: for a setting that was meant to be one and is none.
  void refuseAll();

  // Lets hosts that know no other form use the MD5 form. Off by default.
  void allowMd5(bool allowed) { md5Allowed_ = allowed; }

  bool isSet() const { return refuseAll_ || sha256Size_ != 0 || md5Size_ != 0; }

  // How often it was set anew: what was derived from it is old where this has changed.
  uint32_t changes() const { return changes_; }

  // PBKDF2-HMAC-SHA256 of the password's hash: what both sides can compute. Takes some tenths of a
  // second on a small chip. NotAuthorized where there is no password, or one that nobody has.
  SECUREOTA_NODISCARD Error derive(Bytes salt, uint8_t out[kSha256Size]) const;

  // The form in which an invitation is asked for the password.
  PasswordForm formFor(bool hostAsksForMd5) const {
    return hostAsksForMd5 && md5Allowed_ && md5Size_ != 0 ? PasswordForm::Md5
                                                          : PasswordForm::Pbkdf2;
  }

  // Checks a whole `200 ...\n` datagram against the nonce that was sent. NotAuthorized. The PBKDF2
  // form takes some tenths of a second on a small chip.
  SECUREOTA_NODISCARD Error check(Bytes datagram, PasswordForm form, Bytes nonce) const;

 private:
  SECUREOTA_NODISCARD Error checkPbkdf2(Bytes nonce, Bytes cnonce, Bytes response) const;
  SECUREOTA_NODISCARD Error checkMd5(Bytes nonce, Bytes cnonce, Bytes response) const;

  char sha256_[2 * kSha256Size];  // hexadecimal
  size_t sha256Size_;             // 0 or all of it
  char md5_[32];
  size_t md5Size_;
  bool md5Allowed_;
  bool refuseAll_;
  uint32_t changes_;
};

}  // namespace secureota
