// A new image on trial, and what is found of the last update after a restart.
#include "SecureOTA.h"

#include "secureota/facts.h"

using secureota::Port;

// Once, whichever of begin(), confirm(), reject() and isPending() comes first.
void SecureOTAClass::prepareTrial() {
  if (trialPrepared_) {
    return;
  }
  trialPrepared_ = true;
  Port& port = secureota::port();
  const secureota::Time built =
      secureota_build_time == 0 ? secureota::kNoTime : secureota_build_time * secureota::kSecond;
  (void)note(floor_.begin(&port.store(), built));
  runningDigestKnown_ = port.runningDigest(floor_.record(), runningDigest_);
  (void)note(
      trial_.begin(&port.bootControl(), &floor_, runningDigestKnown_ ? runningDigest_ : nullptr));
  if (!note(trial_.left())) {
    sayRefusal("the image of the last update was left again: ", trial_.left());
  }
}

// Once, and before anybody mounts what is copied in part.
void SecureOTAClass::prepareFilesystem() {
  prepareTrial();
  if (filesystemPrepared_) {
    return;
  }
  filesystemPrepared_ = true;
  if (!floor_.record().staged) {
    return;
  }
  Port& port = secureota::port();
  port.say("the new filesystem waits in the spare slot: copying it");
  const secureota::ReadingDesk desk = {tokenBuffer_, sizeof tokenBuffer_, &reporter_};
  const secureota::Error error = port.filesystem().resume(&floor_, desk);
  if (note(error)) {
    port.say("the new filesystem is copied");
  } else {
    sayRefusal("the new filesystem can't be copied: ", error);
  }
}

void SecureOTAClass::repairFilesystem() {
  if (floor_.filesystemIsWhole()) {
    return;
  }
  secureota::port().say("there is no filesystem: its last update did not come to an end");
  if (filesystemLostCallback_) {
    filesystemLostCallback_();
    (void)note(floor_.forgetFilesystem());
  }
}

bool SecureOTAClass::filesystemIsWhole() {
  prepareFilesystem();
  return floor_.filesystemIsWhole();
}

bool SecureOTAClass::isPending() {
  prepareTrial();
  return trial_.pending();
}

bool SecureOTAClass::confirm() {
  prepareTrial();
  const bool wasPending = trial_.pending();
  const bool confirmed = note(trial_.confirm());
  if (wasPending && confirmed) {
    secureota::port().say("confirmed: this image stays");
  }
  return confirmed;
}

bool SecureOTAClass::reject() {
  prepareTrial();
  if (!note(trial_.reject())) {
    return false;
  }
  secureota::port().say("rejected: the previous image runs again");
  secureota::port().restart();
  return true;
}

// An image that could have taken the next update for long enough has proved that it can be left.
void SecureOTAClass::confirmWhenDue() {
  if (trial_.pending()) {
    Port& port = secureota::port();
    if (trial_.isDue(port.milliseconds(), port.networkUp())) {
      (void)confirm();
    }
  }
}
