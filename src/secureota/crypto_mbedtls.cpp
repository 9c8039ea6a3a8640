// The cryptography, by mbedtls 2.28, 3.x or 4.x: the only file that includes it. Version 4 has
// digests through PSA alone, in crypto_psa.h.

#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_MAJOR >= 4
#include "crypto_psa.h"
#else
#include <mbedtls/md.h>
#include <mbedtls/md5.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#endif

#include "algorithms.h"
#include "crypto.h"
#include "der.h"

// Version 2 keeps the functions that can fail under names of their own.
#if MBEDTLS_VERSION_MAJOR < 3
#define SECUREOTA_MBEDTLS(name) name##_ret
#else
#define SECUREOTA_MBEDTLS(name) name
#endif

namespace secureota {
namespace {

#if MBEDTLS_VERSION_MAJOR >= 4

// Keys are PSA's affair too, and PSA has to be started, which costs nothing the second time.
bool isReady() {
  return psa_crypto_init() == PSA_SUCCESS;
}

bool isAllocationFailure(int code) {
  return code == PSA_ERROR_INSUFFICIENT_MEMORY;
}

int parseKey(mbedtls_pk_context* key, Bytes subjectPublicKeyInfo) {
  return mbedtls_pk_parse_public_key(key, subjectPublicKeyInfo.data, subjectPublicKeyInfo.size);
}

#else

bool isReady() {
  return true;
}

// The low seven bits of a code name the failure below the one that the high bits name.
const int kLowLevelMask = 0x7f;
const int kMpiAllocFailed = 0x10;

bool isAllocationFailure(int code) {
  if (code >= 0) {
    return false;
  }
  return ((-code) & kLowLevelMask) == kMpiAllocFailed || code == MBEDTLS_ERR_PK_ALLOC_FAILED ||
         code == MBEDTLS_ERR_ECP_ALLOC_FAILED || code == MBEDTLS_ERR_MD_ALLOC_FAILED;
}

int parseKey(mbedtls_pk_context* key, Bytes subjectPublicKeyInfo) {
  // mbedtls advances the pointer and does not write through it.
  unsigned char* at = const_cast<unsigned char*>(subjectPublicKeyInfo.data);
  return mbedtls_pk_parse_subpubkey(&at, at + subjectPublicKeyInfo.size, key);
}

// A digest that an accelerator could not compute is no verdict about anything: the one thing that
// can be said is that a resource was missing.
Error fromDigestCode(int code) {
  return code == 0 ? Error::None : Error::OutOfMemory;
}

#endif

mbedtls_md_type_t mdType(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::Sha256:
      return MBEDTLS_MD_SHA256;
    case DigestAlgorithm::Sha384:
      return MBEDTLS_MD_SHA384;
    case DigestAlgorithm::Sha512:
      return MBEDTLS_MD_SHA512;
    case DigestAlgorithm::Sha1:
    case DigestAlgorithm::Md5:
      break;  // no signature may be over one of these
  }
  return MBEDTLS_MD_NONE;
}

// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 2.2.3), in strict DER: mbedtls
// itself takes other encodings too. That r and s are below n, it checks.
bool isEcdsaSignature(Bytes signature) {
  Bytes fields;
  if (enterUnchecked(signature, tag::kSequence, &fields) != Error::None) {
    return false;
  }
  DerReader reader(fields);
  for (int i = 0; i < 2; ++i) {
    Bytes integer;
    if (reader.read(tag::kInteger, &integer) != Error::None) {
      return false;
    }
    const bool zero = integer.size == 1 && integer.data[0] == 0;
    if (zero || integer.data[0] >= 0x80) {
      return false;
    }
  }
  return reader.atEnd();
}

bool isOfFamily(Bytes subjectPublicKeyInfo, KeyFamily wanted) {
  KeyFamily family;
  return keyFamily(subjectPublicKeyInfo, &family) == Error::None && family == wanted;
}

// Owns an mbedtls key for as long as a scope lasts.
class PublicKey {
 public:
  PublicKey() { mbedtls_pk_init(&context_); }
  ~PublicKey() { mbedtls_pk_free(&context_); }
  mbedtls_pk_context* get() { return &context_; }

 private:
  PublicKey(const PublicKey&);
  PublicKey& operator=(const PublicKey&);

  mbedtls_pk_context context_;
};

}  // namespace

size_t digestSize(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::Md5:
      return 16;
    case DigestAlgorithm::Sha1:
      return 20;
    case DigestAlgorithm::Sha256:
      return 32;
    case DigestAlgorithm::Sha384:
      return 48;
    case DigestAlgorithm::Sha512:
      return 64;
  }
  return 0;
}

Error digest(DigestAlgorithm algorithm, Bytes bytes, uint8_t* out) {
  Digest running;
  SECUREOTA_TRY(running.begin(algorithm));
  SECUREOTA_TRY(running.update(bytes));
  return running.finish(out);
}

Error verifySignature(Bytes subjectPublicKeyInfo, DigestAlgorithm algorithm, Bytes messageDigest,
                      Bytes signature) {
  if (!isReady()) {
    return Error::OutOfMemory;
  }
  PublicKey key;
  int code = parseKey(key.get(), subjectPublicKeyInfo);
  if (code != 0) {
    // Nothing is wrong with an RSA key that was allowed: where mbedtls can't take it, memory was
    // short, and its code does not say so.
    return isAllocationFailure(code) || isOfFamily(subjectPublicKeyInfo, KeyFamily::Rsa)
               ? Error::OutOfMemory
               : Error::KeyNotAllowed;
  }
  if (isOfFamily(subjectPublicKeyInfo, KeyFamily::Ecdsa) && !isEcdsaSignature(signature)) {
    return Error::SignatureInvalid;
  }
  code = mbedtls_pk_verify(key.get(), mdType(algorithm), messageDigest.data, messageDigest.size,
                           signature.data, signature.size);
  if (code != 0) {
    return isAllocationFailure(code) ? Error::OutOfMemory : Error::SignatureInvalid;
  }
  return Error::None;
}

bool equalInConstantTime(Bytes a, Bytes b) {
  if (a.size != b.size) {
    return false;
  }
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size; ++i) {
    difference = static_cast<uint8_t>(difference | (a.data[i] ^ b.data[i]));
  }
  return difference == 0;
}

#if MBEDTLS_VERSION_MAJOR < 4

Digest::~Digest() {
  release();
}

void Digest::release() {
  if (!started_) {
    return;
  }
  started_ = false;
  void* const state = state_;
  switch (algorithm_) {
    case DigestAlgorithm::Md5:
      mbedtls_md5_free(static_cast<mbedtls_md5_context*>(state));
      break;
    case DigestAlgorithm::Sha1:
      mbedtls_sha1_free(static_cast<mbedtls_sha1_context*>(state));
      break;
    case DigestAlgorithm::Sha256:
      mbedtls_sha256_free(static_cast<mbedtls_sha256_context*>(state));
      break;
    case DigestAlgorithm::Sha384:
    case DigestAlgorithm::Sha512:
      mbedtls_sha512_free(static_cast<mbedtls_sha512_context*>(state));
      break;
  }
}

Error Digest::begin(DigestAlgorithm algorithm) {
  static_assert(sizeof(mbedtls_md5_context) <= kStateSize, "room for MD5");
  static_assert(sizeof(mbedtls_sha1_context) <= kStateSize, "room for SHA-1");
  static_assert(sizeof(mbedtls_sha256_context) <= kStateSize, "room for SHA-256");
  static_assert(sizeof(mbedtls_sha512_context) <= kStateSize, "room for SHA-512");
  release();
  algorithm_ = algorithm;
  started_ = true;
  void* const state = state_;
  switch (algorithm) {
    case DigestAlgorithm::Md5: {
      mbedtls_md5_context* const md5 = static_cast<mbedtls_md5_context*>(state);
      mbedtls_md5_init(md5);
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_md5_starts)(md5));
    }
    case DigestAlgorithm::Sha1: {
      mbedtls_sha1_context* const sha1 = static_cast<mbedtls_sha1_context*>(state);
      mbedtls_sha1_init(sha1);
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha1_starts)(sha1));
    }
    case DigestAlgorithm::Sha256: {
      mbedtls_sha256_context* const sha256 = static_cast<mbedtls_sha256_context*>(state);
      mbedtls_sha256_init(sha256);
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha256_starts)(sha256, 0));
    }
    case DigestAlgorithm::Sha384:
    case DigestAlgorithm::Sha512:
      break;
  }
  mbedtls_sha512_context* const sha512 = static_cast<mbedtls_sha512_context*>(state);
  mbedtls_sha512_init(sha512);
  const int is384 = algorithm == DigestAlgorithm::Sha384 ? 1 : 0;
  return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha512_starts)(sha512, is384));
}

Error Digest::update(Bytes bytes) {
  void* const state = state_;
  switch (algorithm_) {
    case DigestAlgorithm::Md5:
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_md5_update)(
          static_cast<mbedtls_md5_context*>(state), bytes.data, bytes.size));
    case DigestAlgorithm::Sha1:
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha1_update)(
          static_cast<mbedtls_sha1_context*>(state), bytes.data, bytes.size));
    case DigestAlgorithm::Sha256:
      return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha256_update)(
          static_cast<mbedtls_sha256_context*>(state), bytes.data, bytes.size));
    case DigestAlgorithm::Sha384:
    case DigestAlgorithm::Sha512:
      break;
  }
  return fromDigestCode(SECUREOTA_MBEDTLS(mbedtls_sha512_update)(
      static_cast<mbedtls_sha512_context*>(state), bytes.data, bytes.size));
}

Error Digest::finish(uint8_t* out) {
  void* const state = state_;
  uint8_t full[kMaxDigestSize];  // version 2 always writes 64 bytes for SHA-384
  int code = 0;
  switch (algorithm_) {
    case DigestAlgorithm::Md5:
      code = SECUREOTA_MBEDTLS(mbedtls_md5_finish)(static_cast<mbedtls_md5_context*>(state), full);
      break;
    case DigestAlgorithm::Sha1:
      code =
          SECUREOTA_MBEDTLS(mbedtls_sha1_finish)(static_cast<mbedtls_sha1_context*>(state), full);
      break;
    case DigestAlgorithm::Sha256:
      code = SECUREOTA_MBEDTLS(mbedtls_sha256_finish)(static_cast<mbedtls_sha256_context*>(state),
                                                      full);
      break;
    case DigestAlgorithm::Sha384:
    case DigestAlgorithm::Sha512:
      code = SECUREOTA_MBEDTLS(mbedtls_sha512_finish)(static_cast<mbedtls_sha512_context*>(state),
                                                      full);
      break;
  }
  release();
  SECUREOTA_TRY(fromDigestCode(code));
  memcpy(out, full, digestSize(algorithm_));
  return Error::None;
}

Error pbkdf2Sha256(Bytes password, Bytes salt, uint32_t rounds, uint8_t out[kSha256Size]) {
#if MBEDTLS_VERSION_NUMBER >= 0x03030000
  const int code =
      mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, password.data, password.size, salt.data,
                                    salt.size, rounds, static_cast<uint32_t>(kSha256Size), out);
#else
  mbedtls_md_context_t context;
  mbedtls_md_init(&context);
  int code = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
  if (code == 0) {
    code = mbedtls_pkcs5_pbkdf2_hmac(&context, password.data, password.size, salt.data, salt.size,
                                     rounds, static_cast<uint32_t>(kSha256Size), out);
  }
  mbedtls_md_free(&context);
#endif
  return code == 0 ? Error::None : Error::OutOfMemory;
}

Error hmacSha256(Bytes key, Bytes message, uint8_t out[kSha256Size]) {
  const int code = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key.data, key.size,
                                   message.data, message.size, out);
  return code == 0 ? Error::None : Error::OutOfMemory;
}

#endif

}  // namespace secureota
