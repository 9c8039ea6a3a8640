#include "target.h"

#include "meter.h"
#include "repair.h"

namespace fuzz {

using secureota::Error;
using secureota::TrustStore;

// A filesystem that says that it is one. Its token takes the stub, which lets everybody sign.
static Buffer filesContainer() {
  Buffer image(300, 'f');
  const uint8_t start[] = {'S', 'O', 'T', 'A', 'i', 'n', 'f', 'o', 1, 2};
  image.resize(300 + secureota::kManifestSize);
  memcpy(image.data() + 300, start, sizeof start);
  const Seed& seed = kSeeds[0];
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(seed.tokenSize) +
                             " payload=" + std::to_string(image.size()) + "\n";
  Buffer container(header.begin(), header.end());
  container.insert(container.end(), seed.token, seed.token + seed.tokenSize);
  container.insert(container.end(), image.begin(), image.end());
  repairContainer(container.data(), container.size());
  return container;
}

const Buffer& fileOf(uint8_t seed) {
  static const Buffer files = filesContainer();
  return seed % (kSeedCount + 1) == kSeedCount ? files : containerOf(seed % (kSeedCount + 1));
}

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
