#include "meter.h"

#include <sanitizer/allocator_interface.h>

#include "property.h"
#include "secureota/path.h"

using secureota::Bytes;
using secureota::Digest;
using secureota::DigestAlgorithm;
using secureota::Error;
using secureota::kMaxSignatureChecks;
using secureota::kSha256Size;
using secureota::TrustStore;

// For a symbol S, the linker sends calls of S to __wrap_S, and __real_S is the function itself.
#define REAL(symbol) __asm__("__real_" symbol)
#define WRAP(symbol) __asm__("__wrap_" symbol)
#define DIGEST_SYMBOL "_ZN9secureota6digestENS_15DigestAlgorithmENS_5BytesEPh"
#define BEGIN_SYMBOL "_ZN9secureota6Digest5beginENS_15DigestAlgorithmE"
#define UPDATE_SYMBOL "_ZN9secureota6Digest6updateENS_5BytesE"
#define VERIFY_SYMBOL "_ZN9secureota15verifySignatureENS_5BytesENS_15DigestAlgorithmES0_S0_"
#define PBKDF2_SYMBOL "_ZN9secureota12pbkdf2Sha256ENS_5BytesES0_jPh"
#define HMAC_SYMBOL "_ZN9secureota10hmacSha256ENS_5BytesES0_Ph"

Error realDigest(DigestAlgorithm, Bytes, uint8_t*) REAL(DIGEST_SYMBOL);
Error realBegin(Digest*, DigestAlgorithm) REAL(BEGIN_SYMBOL);
Error realUpdate(Digest*, Bytes) REAL(UPDATE_SYMBOL);
Error realVerify(Bytes, DigestAlgorithm, Bytes, Bytes) REAL(VERIFY_SYMBOL);
Error realPbkdf2(Bytes, Bytes, uint32_t, uint8_t*) REAL(PBKDF2_SYMBOL);
Error realHmac(Bytes, Bytes, uint8_t*) REAL(HMAC_SYMBOL);

Error meteredDigest(DigestAlgorithm, Bytes, uint8_t*) WRAP(DIGEST_SYMBOL);
Error meteredBegin(Digest*, DigestAlgorithm) WRAP(BEGIN_SYMBOL);
Error meteredUpdate(Digest*, Bytes) WRAP(UPDATE_SYMBOL);
Error meteredVerify(Bytes, DigestAlgorithm, Bytes, Bytes) WRAP(VERIFY_SYMBOL);
Error meteredPbkdf2(Bytes, Bytes, uint32_t, uint8_t*) WRAP(PBKDF2_SYMBOL);
Error meteredHmac(Bytes, Bytes, uint8_t*) WRAP(HMAC_SYMBOL);

namespace {

fuzz::Meter meter;
bool running = false;
int pauses = 0;                     // counted: the harness may call itself
__thread bool isOurThread = false;  // libFuzzer has another one, which allocates when it likes
unsigned callsToFailure = 0;
const TrustStore* trustedAnchors = nullptr;

// What was hashed in one piece last, and its digest: what a signature check is about.
Bytes lastHashed;
uint8_t lastDigest[secureota::kMaxDigestSize];

// What validly signed certificates cover.
Bytes signedBytes[kMaxSignatureChecks + 1];
size_t signedCount = 0;

bool isMetered() {
  return running && pauses == 0;
}

bool lies(Bytes inner, Bytes outer) {
  return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

bool mayBeUsed(Bytes key) {
  for (size_t i = 0; i < trustedAnchors->count(); ++i) {
    if (lies(key, (*trustedAnchors)[i].certificate)) {
      return true;
    }
  }
  for (size_t i = 0; i < signedCount; ++i) {
    if (lies(key, signedBytes[i])) {
      return true;
    }
  }
  return false;
}

bool failsNow() {
  return isMetered() && callsToFailure != 0 && --callsToFailure == 0;
}

void onAllocation(const volatile void* block, size_t size) {
  (void)block;
  (void)size;
  fuzz::countAllocation();
}

void onRelease(const volatile void* block) {
  (void)block;
}

}  // namespace

namespace fuzz {

void start(const TrustStore& anchors) {
  static const int hooked = __sanitizer_install_malloc_and_free_hooks(onAllocation, onRelease);
  PROPERTY(hooked != 0, "the sanitizer counts allocations");
  meter = Meter();
  signedCount = 0;
  lastHashed = Bytes();
  trustedAnchors = &anchors;
  isOurThread = true;
  running = true;
}

const Meter& stop() {
  running = false;
  return meter;
}

Pause::Pause() {
  ++pauses;
}
Pause::~Pause() {
  --pauses;
}

Resume::Resume() : paused_(pauses) {
  pauses = 0;
}
Resume::~Resume() {
  pauses = paused_;
}

void countAllocation() {
  if (isMetered() && isOurThread) {
    ++meter.allocations;
  }
}

void failProviderAt(unsigned n) {
  callsToFailure = n;
}

}  // namespace fuzz

Error meteredDigest(DigestAlgorithm algorithm, Bytes bytes, uint8_t* out) {
  if (!isMetered()) {
    return realDigest(algorithm, bytes, out);
  }
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  meter.bytesHashed += bytes.size;
  const Error error = realDigest(algorithm, bytes, out);
  lastHashed = bytes;
  memcpy(lastDigest, out, digestSize(algorithm));
  return error;
}

Error meteredBegin(Digest* digest, DigestAlgorithm algorithm) {
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  return realBegin(digest, algorithm);
}

Error meteredUpdate(Digest* digest, Bytes bytes) {
  if (isMetered()) {
    meter.bytesHashed += bytes.size;
  }
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  return realUpdate(digest, bytes);
}

Error meteredVerify(Bytes key, DigestAlgorithm algorithm, Bytes messageDigest, Bytes signature) {
  if (!isMetered()) {
    return realVerify(key, algorithm, messageDigest, signature);
  }
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  ++meter.signatureChecks;
  PROPERTY(meter.signatureChecks <= kMaxSignatureChecks + 1, "public-key operations are bounded");
  PROPERTY(mayBeUsed(key), "no key is used before it is trusted");
  const Error error = realVerify(key, algorithm, messageDigest, signature);
  meter.lastKey = key;
  meter.lastSignatureWasValid = error == Error::None;
  if (error == Error::None && messageDigest.size == digestSize(algorithm) &&
      memcmp(messageDigest.data, lastDigest, messageDigest.size) == 0) {
    signedBytes[signedCount++] = lastHashed;
  }
  return error;
}

Error meteredPbkdf2(Bytes password, Bytes salt, uint32_t rounds, uint8_t* out) {
  if (isMetered()) {
    ++meter.passwordChecks;
  }
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  return realPbkdf2(password, salt, rounds, out);
}

Error meteredHmac(Bytes key, Bytes message, uint8_t* out) {
  if (failsNow()) {
    return Error::OutOfMemory;
  }
  const fuzz::Pause provider;
  return realHmac(key, message, out);
}
