// The trial of a new image: it runs, but only when it is confirmed does it stay.
//
// By default it is confirmed when it could have taken the next update for a minute: the network was
// up and the device listened. So an image with which no update could ever come in again does not
// stay. The minute counts in all and not at a stretch, so that a network that comes and goes, or is
// jammed, delays a good image and does not throw it out.
//
// Until then a restart of any kind brings the previous image back, and so does a time limit that
// the machine keeps, whatever the sketch does.
#pragma once

#include "boot_control.h"
#include "floor.h"

namespace secureota {

const uint32_t kDefaultConfirmAfter = 60;  // seconds

// Seconds. An image on trial was brought by a network that worked a moment ago, so that an outage
// now is either the image's own fault, or chance, or meant. An hour outlives a router's restart and
// most chance; who jams for longer only gets back the image that ran before. And a device that
// can't be reached because of its image is back within the hour.
const uint32_t kTrialLimit = 60 * 60;

class Trial {
 public:
  Trial();

  // Off: only confirm() confirms.
  void setAutomatic(bool automatic) { automatic_ = automatic; }
  void setConfirmAfter(uint32_t seconds) { confirmAfter_ = uint64_t(seconds) * 1000; }

  // Finds out how the running image came here. Ends a confirmation that a power cut had
  // interrupted: FlashWriteFailed where that is not possible. `runningDigest` may be null.
  SECUREOTA_NODISCARD Error begin(BootControl* boot, Floor* floor, const uint8_t* runningDigest);

  // The running image is not confirmed yet.
  bool pending() const { return pending_; }

  // Why the image that the last update brought was left again: ImageNotConfirmed, ImageRejected; or
  // None.
  Error left() const { return left_; }

  // The same, if it is about the application with this digest; else None.
  Error left(const uint8_t digest[kSha256Size]) const;

  // A new application waits in the spare slot for the restart that starts its trial.
  bool nextWaits() const { return boot_->otherWaits(); }

  // Is it time for confirm()? To be called often, with the milliseconds of any clock. `reachable`:
  // an update could begin now.
  SECUREOTA_NODISCARD bool isDue(uint32_t now, bool reachable);

  // The running image stays. Does nothing where it is not pending. ActivateFailed,
  // FlashWriteFailed: it is pending still.
  SECUREOTA_NODISCARD Error confirm();

  // The running image goes: the next boot is the previous one's. May restart at once.
  // ActivateFailed where it is not pending, or there is no other.
  SECUREOTA_NODISCARD Error reject();

 private:
  BootControl* boot_;
  Floor* floor_;
  const uint8_t* runningDigest_;
  bool automatic_;
  uint64_t confirmAfter_;  // milliseconds
  bool pending_;
  Error left_;
  bool wasReachable_;
  uint32_t lastTick_;
  uint64_t reachableFor_;  // milliseconds
};

}  // namespace secureota
