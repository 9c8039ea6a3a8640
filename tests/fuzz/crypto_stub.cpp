// Cryptography for fuzzing: everything that secureota/crypto.h promises but secrecy. The digest is
// FNV-1a of 64 bits, written as often as it takes; a signature is valid if it ends with that hash
// of the message digest, whatever the key is. (That the key is one that may sign, meter.cpp sees.)

#include "crypto_mode.h"
#include "secureota/crypto.h"

namespace {

const uint64_t kFnvOffset = 14695981039346656037ULL;
const uint64_t kFnvPrime = 1099511628211ULL;
const size_t kHashSize = 8;

void hashBytes(secureota::Bytes bytes, uint64_t* hash) {
  uint64_t state = *hash;
  for (size_t i = 0; i < bytes.size; ++i) {
    // The product is meant to overflow; as 128 bits it does not, and UBSan has nothing to say.
    state =
        static_cast<uint64_t>(static_cast<unsigned __int128>(state ^ bytes.data[i]) * kFnvPrime);
  }
  *hash = state;
}

void writeHash(uint64_t hash, uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    out[i] = static_cast<uint8_t>(hash >> (8 * (i % kHashSize)));
  }
}

}  // namespace

namespace fuzz {

bool cryptoIsStub() {
  return true;
}

void forgeSignature(secureota::Bytes messageDigest, uint8_t* signature, size_t size) {
  uint64_t hash = kFnvOffset;
  hashBytes(messageDigest, &hash);
  if (size >= kHashSize) {
    writeHash(hash, signature + size - kHashSize, kHashSize);
  }
}

}  // namespace fuzz

namespace secureota {

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

Digest::~Digest() {}

Error Digest::begin(DigestAlgorithm algorithm) {
  algorithm_ = algorithm;
  started_ = true;
  align_ = kFnvOffset + static_cast<uint64_t>(algorithm);
  return Error::None;
}

Error Digest::update(Bytes bytes) {
  hashBytes(bytes, &align_);
  return Error::None;
}

Error Digest::finish(uint8_t* out) {
  started_ = false;
  writeHash(align_, out, digestSize(algorithm_));
  return Error::None;
}

Error digest(DigestAlgorithm algorithm, Bytes bytes, uint8_t* out) {
  Digest running;
  SECUREOTA_TRY(running.begin(algorithm));
  SECUREOTA_TRY(running.update(bytes));
  return running.finish(out);
}

Error verifySignature(Bytes subjectPublicKeyInfo, DigestAlgorithm algorithm, Bytes messageDigest,
                      Bytes signature) {
  (void)subjectPublicKeyInfo;
  (void)algorithm;
  if (signature.size < kHashSize) {
    return Error::SignatureInvalid;
  }
  uint8_t wanted[kHashSize];
  fuzz::forgeSignature(messageDigest, wanted, kHashSize);
  const Bytes end(signature.data + signature.size - kHashSize, kHashSize);
  return end == Bytes(wanted, kHashSize) ? Error::None : Error::SignatureInvalid;
}

Error pbkdf2Sha256(Bytes password, Bytes salt, uint32_t rounds, uint8_t out[kSha256Size]) {
  uint64_t hash = kFnvOffset + rounds;
  hashBytes(password, &hash);
  hashBytes(salt, &hash);
  writeHash(hash, out, kSha256Size);
  return Error::None;
}

Error hmacSha256(Bytes key, Bytes message, uint8_t out[kSha256Size]) {
  uint64_t hash = kFnvOffset;
  hashBytes(key, &hash);
  hashBytes(message, &hash);
  writeHash(hash, out, kSha256Size);
  return Error::None;
}

bool equalInConstantTime(Bytes a, Bytes b) {
  return a == b;
}

}  // namespace secureota
