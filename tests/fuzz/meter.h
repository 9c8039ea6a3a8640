// What an input makes the device do: counted between the core and its cryptography, where the
// linker puts us (-Wl,--wrap, see fuzz.mk).
#pragma once

#include "secureota/verifier.h"

namespace fuzz {

struct Meter {
  unsigned signatureChecks;  // public-key operations
  unsigned passwordChecks;   // PBKDF2
  size_t bytesHashed;
  size_t allocations;        // by anybody but the provider of the cryptography
  secureota::Bytes lastKey;  // of the last public-key operation
  bool lastSignatureWasValid;
};

// From here to stop() the core works for a stranger. Every public-key operation in between must be
// done with a key of `anchors`, or with one out of a certificate whose signature was found valid
// before: a stranger must not choose the key with which a device spends its time.
void start(const secureota::TrustStore& anchors);
const Meter& stop();

// While one of these lives, the harness works, and nothing counts.
class Pause {
 public:
  Pause();
  ~Pause();

 private:
  Pause(const Pause&);
  Pause& operator=(const Pause&);
};

// While one of these lives inside a Pause, the core works again.
class Resume {
 public:
  Resume();
  ~Resume();

 private:
  Resume(const Resume&);
  Resume& operator=(const Resume&);
  int paused_;
};

// Somebody allocates. (The sanitizer says so of malloc and its kin.)
void countAllocation();

// The n-th call that the core makes of the provider from now on finds no memory; 0: none does.
// Once.
void failProviderAt(unsigned n);

}  // namespace fuzz
