#include "trial.h"

namespace secureota {

Trial::Trial()
    : boot_(nullptr),
      floor_(nullptr),
      runningDigest_(nullptr),
      automatic_(true),
      confirmAfter_(uint64_t(kDefaultConfirmAfter) * 1000),
      pending_(false),
      left_(Error::None),
      wasReachable_(false),
      lastTick_(0),
      reachableFor_(0) {}

Error Trial::begin(BootControl* boot, Floor* floor, const uint8_t* runningDigest) {
  boot_ = boot;
  floor_ = floor;
  runningDigest_ = runningDigest;
  const UpdateRecord& record = floor->record();
  const ImageIdentity& last = record.application.pending;
  const bool isLast = runningDigest != nullptr && last.size != 0 &&
                      memcmp(last.digest, runningDigest, kSha256Size) == 0;
  const BootState state = boot->state();
  // A boot loader without states can't go back, but the floor must wait all the same.
  pending_ = state == BootState::OnTrial || (state == BootState::Unknown && isLast);
  left_ = Error::None;
  if (last.size != 0 && !isLast) {
    left_ = record.left;
    if (left_ == Error::None && boot->otherGivenUp()) {
      left_ = Error::ImageNotConfirmed;
    }
  }
  // The boot loader was told first, and then the power went.
  return state == BootState::Kept && isLast ? floor->confirm(ImageKind::Application, runningDigest)
                                            : Error::None;
}

Error Trial::left(const uint8_t digest[kSha256Size]) const {
  const ImageIdentity& last = floor_->record().application.pending;
  return last.size != 0 && memcmp(last.digest, digest, kSha256Size) == 0 ? left_ : Error::None;
}

bool Trial::isDue(uint32_t now, bool reachable) {
  if (reachable && wasReachable_) {
    reachableFor_ += now - lastTick_;
  }
  wasReachable_ = reachable;
  lastTick_ = now;
  if (!pending_ || !automatic_ || !reachable || reachableFor_ < confirmAfter_) {
    return false;
  }
  reachableFor_ = 0;  // where flash fails, it is not tried again at once
  return true;
}

// The boot loader first: an image whose floor had risen before it stayed would leave the previous
// one below its own floor. begin() ends what is interrupted between the two.
Error Trial::confirm() {
  if (!pending_) {
    return Error::None;
  }
  if (boot_->state() == BootState::OnTrial) {
    SECUREOTA_TRY(boot_->keep());
  }
  if (runningDigest_ != nullptr) {
    SECUREOTA_TRY(floor_->confirm(ImageKind::Application, runningDigest_));
  }
  pending_ = false;
  return Error::None;
}

// The reason first: whatever comes then, the image is not kept.
Error Trial::reject() {
  if (!pending_) {
    return Error::ActivateFailed;
  }
  SECUREOTA_TRY(floor_->reject());
  return boot_->giveUp();
}

}  // namespace secureota
