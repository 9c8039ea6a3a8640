// Deciding whether a timestamp token is good: the device's half of the check list in
// docs/format.md, block by block the same as platformio_secureota/verify.py.
#pragma once

#include "bytes.h"
#include "crypto.h"
#include "error.h"
#include "gen_time.h"

namespace secureota {

// Largest TimeStampResp that is looked at, in bytes: what deployed readers take. A port may lend a
// smaller buffer.
const size_t kMaxTokenSize = 16384;

// A key that may approve firmware, and the name it goes by: what RFC 5280 6.1.1 calls a trust
// anchor. Only a TrustStore makes one; a certificate that came with a token has another type
// (Certificate), so that it can't become one.
struct TrustAnchor {
  Bytes certificate;           // the whole DER, for "the signer is itself the anchor"
  Bytes subject;               // Name, as encoded
  Bytes subjectPublicKeyInfo;  // as encoded
  bool mayIssue;               // CA:TRUE, and keyCertSign where keyUsage is there
  int pathLen;                 // -1: no limit
};

// The anchors of one device. Holds views: the DER bytes belong to the caller and must outlive it
// (compiled-in constants do).
class TrustStore {
 public:
  static const size_t kMaxAnchors = 8;

  TrustStore() : count_(0) {}

  // Error: AnchorUnusable does not exist here; the reason is the certificate's own (NotDer,
  // Malformed, KeyNotAllowed, ...), OutOfMemory when there are already kMaxAnchors.
  SECUREOTA_NODISCARD Error add(Bytes certificateDer);

  // Adds every certificate of a concatenation (DER delimits itself).
  SECUREOTA_NODISCARD Error addAll(Bytes certificatesDer);

  size_t count() const { return count_; }
  const TrustAnchor& operator[](size_t i) const { return anchors_[i]; }

 private:
  TrustAnchor anchors_[kMaxAnchors];
  size_t count_;
};

// What is asked of a token beyond being genuine. All views belong to the caller.
struct Rules {
  Time notBefore;         // the floor: an older genTime is refused; kNoTime: no floor
  Time now;               // a later genTime (beyond kClockSkew) is refused; kNoTime: no clock
  const Bytes* policies;  // accepted policies, as the contents of their OBJECT IDENTIFIERs
  size_t policyCount;     // 0: any policy will do
  const uint8_t (*denied)[kSha256Size];  // SHA-256 of SubjectPublicKeyInfos that are refused
  size_t deniedCount;
  bool requireEssV2;  // refuse tokens that bind their signer by SHA-1 alone

  Rules()
      : notBefore(kNoTime),
        now(kNoTime),
        policies(nullptr),
        policyCount(0),
        denied(nullptr),
        deniedCount(0),
        requireEssV2(false) {}
};

// How far ahead of `now` a genTime may be: two clocks, each off by a little. Five minutes.
const Time kClockSkew = kSecond * 5 * 60;

// What a good token says. The image's digest is NOT compared yet: whoever holds the image owes
// that (check 22, second half).
struct VerifiedToken {
  uint8_t imageDigest[kSha256Size];
  Time genTime;
};

// None, and `out` is filled; or the reason for the refusal, and `out` is untouched.
SECUREOTA_NODISCARD Error verifyToken(Bytes timeStampResp, const TrustStore& anchors,
                                      const Rules& rules, VerifiedToken* out);

}  // namespace secureota
