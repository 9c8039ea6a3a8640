// The device that strangers send to: what an Updater works with, and what there is to be said of it
// whichever way an update comes.
#pragma once

#include "device.h"
#include "secureota/trial.h"
#include "world.h"

namespace fuzz {

// Bits of a script's first byte that say what kind of device it is.
const uint8_t kNoAnchors = 4;
const uint8_t kRunsAlready = 8;  // the first seed's image
const uint8_t kOnTrial = 32;     // what runs is not confirmed yet

// A seed's container; behind the last one, a filesystem's, which only the stub takes for signed.
const Buffer& fileOf(uint8_t seed);

class Target {
 public:
  Target(uint8_t bits, uint8_t flashFails);

  secureota::UpdaterParts parts();

  // What flash may be opened for: the token at the head of this container, as far as it came, if it
  // is good. It is looked at once, until forget().
  void expectFlashFor(const Buffer& container);
  void forget();

  bool runs(uint8_t bit) const { return (bits_ & bit) != 0; }
  bool onTrial() const { return trial_.pending(); }

  // The image that runs says that it works.
  void confirm();

  // A device of which nothing fails any more, with every anchor, and nothing in its flash. What it
  // runs is on trial still, where it was.
  void renew();

  Flash flash;

 private:
  class Boot final : public secureota::BootControl {
   public:
    secureota::BootState state() override { return now; }
    bool otherGivenUp() override { return false; }
    bool otherWaits() override { return false; }
    secureota::Error keep() override {
      now = secureota::BootState::Kept;
      return secureota::Error::None;
    }
    secureota::Error giveUp() override { return secureota::Error::ActivateFailed; }
    void limitTrial(uint32_t) override {}

    secureota::BootState now;
  };

  void begin();

  uint8_t bits_;
  Record record_;
  secureota::Floor floor_;
  Boot boot_;
  secureota::Trial trial_;
  secureota::Rules rules_;
  uint8_t running_[secureota::kSha256Size];
  bool judged_;  // the token has come ...
  bool good_;    // ... and is good
  secureota::VerifiedToken token_;
  struct : secureota::UpdateListener {
  } listener_;
};

}  // namespace fuzz
