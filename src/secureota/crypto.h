// The few cryptographic functions that the core needs. crypto_mbedtls.cpp is the only file that
// knows who provides them (with crypto_psa.h, which is a part of it).
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

enum class DigestAlgorithm : uint8_t { Sha1, Sha256, Sha384, Sha512, Md5 };

const size_t kMaxDigestSize = 64;
const size_t kSha256Size = 32;

// Size of a digest in bytes.
size_t digestSize(DigestAlgorithm algorithm);

// A running digest. Sha1 is there for ESSCertID version 1, which names a certificate and proves
// nothing; Md5 for the transport check and the old password form. Neither takes part in a decision
// about a signature.
//
// The state lives in the object (no heap): the largest of the provider's contexts.
class Digest {
 public:
  Digest() : algorithm_(DigestAlgorithm::Sha256), started_(false) {}
  ~Digest();

  // Starts anew. Error::OutOfMemory where the provider (an accelerator, say) has no room.
  SECUREOTA_NODISCARD Error begin(DigestAlgorithm algorithm);
  SECUREOTA_NODISCARD Error update(Bytes bytes);
  // Writes digestSize(algorithm) bytes.
  SECUREOTA_NODISCARD Error finish(uint8_t* out);

 private:
  Digest(const Digest&);
  Digest& operator=(const Digest&);

  void release();

  // Room for mbedtls_sha512_context, also with the extra fields of hardware-backed variants.
  static const size_t kStateSize = 304;
  union {
    uint64_t align_;
    uint8_t state_[kStateSize];
  };
  DigestAlgorithm algorithm_;
  bool started_;
};

SECUREOTA_NODISCARD Error digest(DigestAlgorithm algorithm, Bytes bytes, uint8_t* out);

// One public-key operation: is `signature` the signature of the owner of `publicKey` over a message
// of this digest?
//
// The caller has parsed `subjectPublicKeyInfo` (certificate.h), so that its algorithm, size,
// exponent and curve are allowed ones. RSA is PKCS #1 v1.5, the padding compared in full; ECDSA
// signatures are strict DER with r and s in 1..n-1.
//
// `None` if it is; SignatureInvalid if not; KeyNotAllowed if the key is no key (a point that is not
// on its curve); OutOfMemory.
SECUREOTA_NODISCARD Error verifySignature(Bytes subjectPublicKeyInfo, DigestAlgorithm algorithm,
                                          Bytes messageDigest, Bytes signature);

// PBKDF2-HMAC-SHA256 (RFC 8018 5.2), 32 bytes out.
SECUREOTA_NODISCARD Error pbkdf2Sha256(Bytes password, Bytes salt, uint32_t rounds,
                                       uint8_t out[kSha256Size]);

// HMAC-SHA256 (RFC 2104), 32 bytes out.
SECUREOTA_NODISCARD Error hmacSha256(Bytes key, Bytes message, uint8_t out[kSha256Size]);

// Equal, in a time that does not depend on where they differ.
bool equalInConstantTime(Bytes a, Bytes b);

}  // namespace secureota
