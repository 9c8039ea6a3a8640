// The policies that a device requires of a token (check 23).
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// A set of OBJECT IDENTIFIERs. Adding fails closed: what can't be added makes the set one that no
// token satisfies, so that a misspelt policy is not the same as none.
class PolicySet {
 public:
  static const size_t kMaxPolicies = 8;
  static const size_t kMaxEncoded = 32;  // bytes of one encoded OBJECT IDENTIFIER

  PolicySet() : count_(0) {}

  // "1.3.6.1.4.1.99999.1". Malformed if that is no OBJECT IDENTIFIER, OutOfMemory if it is too long
  // or the set is full.
  SECUREOTA_NODISCARD Error add(const char* dotted);

  // OBJECT IDENTIFIERs in DER, one after the other. The bytes must outlive the set.
  SECUREOTA_NODISCARD Error addAll(Bytes der);

  // For Rules: contents of the OBJECT IDENTIFIERs.
  const Bytes* policies() const { return policies_; }
  size_t count() const { return count_; }

 private:
  SECUREOTA_NODISCARD Error fail(Error why);
  SECUREOTA_NODISCARD Error put(Bytes contents);

  Bytes policies_[kMaxPolicies];
  uint8_t encoded_[kMaxPolicies][kMaxEncoded];
  size_t count_;
};

// Contents of an OBJECT IDENTIFIER (X.690 8.19) from its dotted form; `size` bytes are written.
// Malformed, OutOfMemory if `capacity` is too small.
SECUREOTA_NODISCARD Error encodeObjectIdentifier(const char* dotted, uint8_t* out, size_t capacity,
                                                 size_t* size);

}  // namespace secureota
