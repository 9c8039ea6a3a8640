#include "target.h"

#include "meter.h"

namespace fuzz {

using secureota::Error;
using secureota::TrustStore;

Target::Target(uint8_t bits, uint8_t flashFails) : bits_(bits), judged_(false), good_(false) {
  flash.failAt = flashFails;
  boot_.now = runs(kOnTrial) ? secureota::BootState::OnTrial : secureota::BootState::Kept;
  PROPERTY(digest(secureota::DigestAlgorithm::Sha256, bytesOf(imageOf(kSeeds[0])), running_) ==
               Error::None,
           "the harness has memory");
  begin();
}

void Target::begin() {
  record_ = Record();
  floor_ = secureota::Floor();
  PROPERTY(floor_.begin(&record_, secureota::kNoTime) == Error::None, "a floor can be begun");
  PROPERTY(trial_.begin(&boot_, &floor_, running_) == Error::None, "a trial can be begun");
}

secureota::UpdaterParts Target::parts() {
  static const TrustStore kNobody;
  secureota::UpdaterParts parts;
  parts.sink = &flash;
  parts.floor = &floor_;
  parts.anchors = runs(kNoAnchors) ? &kNobody : &anchors();
  parts.rules = &rules_;
  parts.listener = &listener_;
  parts.buffer = lentBuffer(secureota::kMaxTokenSize);
  parts.bufferSize = secureota::kMaxTokenSize;
  parts.trial = &trial_;
  parts.runningDigest = runs(kRunsAlready) ? running_ : nullptr;
  return parts;
}

void Target::expectFlashFor(const Buffer& container) {
  const secureota::Bytes token = tokenIn(bytesOf(container));
  if (!judged_ && !token.empty()) {
    judged_ = true;
    good_ = verifyToken(token, anchors(), rules_, &token_) == Error::None;
  }
  flash.accepted = judged_ && good_ ? &token_ : nullptr;
}

void Target::forget() {
  judged_ = false;
  flash.accepted = nullptr;
}

void Target::confirm() {
  if (trial_.confirm() == Error::None) {
    PROPERTY(!onTrial(), "who is confirmed is on trial no more");
  }
}

void Target::renew() {
  flash.reset();
  bits_ &= static_cast<uint8_t>(~(kNoAnchors | kRunsAlready));
  forget();
  begin();
}

}  // namespace fuzz
