// Any bytes, taken for a TimeStampResp.
//
// Promised of every input: the work is bounded, nothing is allocated, no key is used before it is
// trusted (meter.cpp), a refusal leaves the result alone, and no anchor means no acceptance.
// Promised of what is accepted: a second opinion agrees; each rule that is tightened refuses it for
// its own reason; one of the anchors alone accepts it; bytes behind it are refused. With the real
// cryptography it must say what one of the seeds says, because nothing else was ever signed.

#include "crypto_mode.h"
#include "mutator.h"
#include "property.h"
#include "second_opinion.h"
#include "secureota/path.h"
#include "world.h"

using fuzz::Meter;
using secureota::Bytes;
using secureota::Error;
using secureota::Rules;
using secureota::TrustStore;
using secureota::VerifiedToken;

namespace {

const secureota::Time kTick = 1;  // the smallest step of a Time

// How often a byte may be hashed: eContent for messageDigest; certificates for ESSCertID, in two
// versions, and those of the anchors; eight certificates' signatures; the signed attributes. A
// deny-list may hash the keys of a path once for each step of the search.
size_t hashedAtMost(size_t tokenSize, const TrustStore& anchors, bool withDenyList) {
  size_t anchorBytes = 0;
  for (size_t i = 0; i < anchors.count(); ++i) {
    anchorBytes += anchors[i].certificate.size;
  }
  const size_t everyByte = 1 + 2 + secureota::kMaxSignatureChecks + 1;
  const size_t perStep = withDenyList ? secureota::kMaxPathSteps : 0;
  return (everyByte + perStep) * tokenSize + (2 + perStep) * anchorBytes;
}

Error judge(Bytes token, const TrustStore& anchors, const Rules& rules, VerifiedToken* out,
            Meter* meter = nullptr) {
  VerifiedToken before;
  memset(&before, 0xa5, sizeof before);
  *out = before;
  fuzz::start(anchors);
  const Error error = verifyToken(token, anchors, rules, out);
  const Meter& used = fuzz::stop();
  PROPERTY(error == Error::None || memcmp(&before, out, sizeof before) == 0,
           "a refusal leaves the result alone");
  PROPERTY(used.allocations == 0, "the core allocates nothing");
  PROPERTY(used.bytesHashed <= hashedAtMost(token.size, anchors, rules.deniedCount != 0),
           "hashing is bounded");
  PROPERTY(error != Error::None || token.size <= secureota::kMaxTokenSize, "sizes are bounded");
  if (meter != nullptr) {
    *meter = used;
  }
  return error;
}

Error judgeBy(Bytes token, const Rules& rules) {
  VerifiedToken verified;
  return judge(token, fuzz::anchors(), rules, &verified);
}

void saysWhatASeedSays(const VerifiedToken& verified, unsigned acceptedBy) {
  bool known = false;
  for (const Seed& seed : kSeeds) {
    uint8_t imprint[secureota::kSha256Size];
    const fuzz::Buffer image = fuzz::imageOf(seed);
    PROPERTY(
        digest(secureota::DigestAlgorithm::Sha256, fuzz::bytesOf(image), imprint) == Error::None,
        "the harness has memory");
    known = known || (seed.genTime == verified.genTime && (acceptedBy & ~seed.anchors) == 0 &&
                      memcmp(imprint, verified.imageDigest, sizeof imprint) == 0);
  }
  PROPERTY(known, "what is accepted was signed: imprint, time and anchors are a seed's");
}

// Which anchor accepts the token alone, as bits.
unsigned acceptingAnchors(Bytes token) {
  unsigned bits = 0;
  for (unsigned i = 0; i < fuzz::anchors().count(); ++i) {
    TrustStore one;
    VerifiedToken verified;
    fuzz::anchorsOf(1u << i, &one);
    bits |= judge(token, one, Rules(), &verified) == Error::None ? 1u << i : 0;
  }
  return bits;
}

void rulesBite(Bytes token, const VerifiedToken& verified) {
  Rules rules;
  rules.notBefore = verified.genTime;
  rules.now = verified.genTime - secureota::kClockSkew;
  PROPERTY(judgeBy(token, rules) == Error::None, "a floor and a clock are inclusive");
  rules.notBefore = verified.genTime + kTick;
  PROPERTY(judgeBy(token, rules) == Error::OlderThanFloor, "nothing passes below the floor");
  rules.notBefore = secureota::kNoTime;
  rules.now -= kTick;
  PROPERTY(judgeBy(token, rules) == Error::FromTheFuture, "nothing comes from the future");

  Rules strict;
  strict.requireEssV2 = true;
  const Error withV2 = judgeBy(token, strict);
  PROPERTY(withV2 == Error::None || withV2 == Error::SigningCertificateV2Required,
           "asking for V2 adds one reason to refuse");

  Rules policed;
  const Bytes nobodys(reinterpret_cast<const uint8_t*>("\x2a\x03\x04\x7f"), 4);
  policed.policies = &nobodys;
  policed.policyCount = 1;
  PROPERTY(judgeBy(token, policed) == Error::PolicyNotAccepted, "a required policy is required");
}

// With every anchor's key on the deny-list no path is left.
void deniedAnchorsDeny(Bytes token) {
  uint8_t denied[TrustStore::kMaxAnchors][secureota::kSha256Size];
  Rules rules;
  rules.denied = denied;
  rules.deniedCount = fuzz::anchors().count();
  for (size_t i = 0; i < rules.deniedCount; ++i) {
    PROPERTY(digest(secureota::DigestAlgorithm::Sha256, fuzz::anchors()[i].subjectPublicKeyInfo,
                    denied[i]) == Error::None,
             "the harness has memory");
  }
  PROPERTY(judgeBy(token, rules) != Error::None, "a key on the deny-list accepts nothing");
}

void nothingMayFollow(Bytes token) {
  fuzz::Buffer longer(token.data, token.data + token.size);
  longer.push_back(0);
  const Error error = judgeBy(fuzz::bytesOf(longer), Rules());
  PROPERTY(error == Error::TrailingData || error == Error::TokenTooLarge, "nothing may follow");
  PROPERTY(judgeBy(Bytes(token.data, token.size - 1), Rules()) != Error::None,
           "nothing may be missing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes token(data, size);
  VerifiedToken verified;
  Meter meter;
  PROPERTY(judge(token, TrustStore(), Rules(), &verified) == Error::NoTrustAnchor,
           "without an anchor nothing is accepted");
  if (judge(token, fuzz::anchors(), Rules(), &verified, &meter) != Error::None) {
    return 0;
  }
  agreeWithAcceptance(token, verified, meter);
  const unsigned acceptedBy = acceptingAnchors(token);
  PROPERTY(acceptedBy != 0, "what several anchors accept, one of them accepts");
  if (!fuzz::cryptoIsStub()) {
    saysWhatASeedSays(verified, acceptedBy);
  }
  rulesBite(token, verified);
  deniedAnchorsDeny(token);
  nothingMayFollow(token);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize,
                                          unsigned seed) {
  return fuzz::mutateToken(data, size, maxSize, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size, const uint8_t* other,
                                            size_t otherSize, uint8_t* out, size_t maxSize,
                                            unsigned seed) {
  return fuzz::crossTokens(data, size, other, otherSize, out, maxSize, seed);
}
