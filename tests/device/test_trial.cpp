// The trial of a new image: when it is confirmed, what a power cut in between leaves, and what the
// previous image says.
#include "pretend.h"

using secureota::BootState;
using secureota::Error;
using secureota::Floor;
using secureota::ImageKind;
using secureota::Trial;

namespace {

const uint8_t kNew[secureota::kSha256Size] = {1, 2, 3};
const uint8_t kOld[secureota::kSha256Size] = {4, 5, 6};

// A device whose last update has brought kNew, and that has restarted since.
class Restarted {
 public:
  explicit Restarted(BootState state, const uint8_t* running = kNew) : store_(&journal_) {
    secureota::ImageIdentity image = {{0}, 1000, 2000};
    memcpy(image.digest, kNew, sizeof image.digest);
    CHECK_ERROR(floor.begin(&store_, 1000), Error::None);
    CHECK_ERROR(floor.expect(ImageKind::Application, image), Error::None);
    boot.now = state;
    again(running);
  }
  void again(const uint8_t* running) {
    CHECK_ERROR(floor.begin(&store_, 1), Error::None);
    CHECK_ERROR(trial.begin(&boot, &floor, running), Error::None);
  }
  secureota::Time floorNow() const { return floor.record().application.floor; }
  void storeFails(bool fails) { store_.fails = fails; }

  pretend::Boot boot;
  Floor floor;
  Trial trial;

 private:
  pretend::Journal journal_;
  pretend::Store store_;
};

void staysOnceItIsConfirmed() {
  Restarted device(BootState::OnTrial);
  CHECK(device.trial.pending() && device.trial.left() == Error::None);
  CHECK(device.floorNow() == 1000);
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(!device.trial.pending() && device.boot.now == BootState::Kept);
  CHECK(device.floorNow() == 2000);
  CHECK_ERROR(device.trial.confirm(), Error::None);
  device.again(kNew);
  CHECK(!device.trial.pending() && device.floorNow() == 2000);
}

void interruptedConfirmationIsEnded() {
  Restarted device(BootState::Kept);  // and the floor is where it was
  CHECK(!device.trial.pending());
  CHECK(device.floorNow() == 2000);
}

void withoutStatesTheFloorWaitsAllTheSame() {
  Restarted device(BootState::Unknown);
  CHECK(device.trial.pending() && device.floorNow() == 1000);
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(!device.trial.pending() && device.floorNow() == 2000);

  Restarted byCable(BootState::Unknown, kOld);
  CHECK(!byCable.trial.pending() && byCable.floorNow() == 1000);
}

void whatCannotBeWrittenDownIsTriedAgain() {
  Restarted device(BootState::OnTrial);
  device.boot.fails = true;
  CHECK_ERROR(device.trial.confirm(), Error::ActivateFailed);
  CHECK(device.trial.pending() && device.floorNow() == 1000);
  device.boot.fails = false;
  device.storeFails(true);
  CHECK_ERROR(device.trial.confirm(), Error::FlashWriteFailed);
  CHECK(device.trial.pending() && device.boot.now == BootState::Kept);
  CHECK_ERROR(device.trial.reject(), Error::FlashWriteFailed);
  CHECK(!device.boot.gaveUp);
  device.storeFails(false);
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(!device.trial.pending() && device.floorNow() == 2000);
}

void unknownDigest() {
  Restarted device(BootState::OnTrial, nullptr);
  CHECK(device.trial.pending());
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(!device.trial.pending() && device.floorNow() == 1000);
}

void isDueWhenItWasReachableForLongEnough() {
  Restarted device(BootState::OnTrial);
  uint32_t now = UINT32_MAX - 20000;  // wraps around on the way
  for (int second = 0; second <= 30; ++second, now += 1000) {
    CHECK(!device.trial.isDue(now, true));
  }
  for (int second = 0; second < 7200; ++second, now += 1000) {  // jammed
    CHECK(!device.trial.isDue(now, false));
  }
  for (int second = 0; second < 30; ++second, now += 1000) {
    CHECK(!device.trial.isDue(now, true));
  }
  CHECK(device.trial.isDue(now, true));
  CHECK(!device.trial.isDue(now, true));  // and then not at once again

  device.trial.setAutomatic(false);
  CHECK(!device.trial.isDue(now + 3600000, true));
  device.trial.setAutomatic(true);
  device.trial.setConfirmAfter(0);
  CHECK(!device.trial.isDue(now + 3600000, false) && device.trial.isDue(now + 3600000, true));
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(!device.trial.isDue(now + 7200000, true));
}

void previousImageSaysWhy() {
  Restarted silent(BootState::Kept, kOld);
  CHECK(silent.trial.left() == Error::None);  // the power went before the new one was activated
  silent.boot.other = true;
  silent.again(kOld);
  CHECK(silent.trial.left() == Error::ImageNotConfirmed);
  CHECK(silent.floorNow() == 1000);

  Restarted rejected(BootState::OnTrial);
  CHECK_ERROR(rejected.trial.reject(), Error::None);
  CHECK(rejected.boot.gaveUp);
  rejected.boot.now = BootState::Kept;
  rejected.boot.other = true;
  rejected.again(kOld);
  CHECK(rejected.trial.left() == Error::ImageRejected);
  CHECK_ERROR(rejected.trial.reject(), Error::ActivateFailed);  // it is on no trial

  // The next update makes a new start.
  secureota::ImageIdentity third = {{7}, 1000, 3000};
  CHECK_ERROR(rejected.floor.expect(ImageKind::Application, third), Error::None);
  rejected.boot.other = false;
  rejected.again(kOld);
  CHECK(rejected.trial.left() == Error::None);
}

void rejectedAndConfirmedAfterAll() {
  Restarted device(BootState::OnTrial);
  device.boot.fails = true;
  CHECK_ERROR(device.trial.reject(), Error::ActivateFailed);  // there is no other image
  device.boot.fails = false;
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK(device.floor.record().left == Error::None && device.floorNow() == 2000);
}

}  // namespace

int main() {
  staysOnceItIsConfirmed();
  interruptedConfirmationIsEnded();
  withoutStatesTheFloorWaitsAllTheSame();
  whatCannotBeWrittenDownIsTriedAgain();
  unknownDigest();
  isDueWhenItWasReachableForLongEnough();
  previousImageSaysWhy();
  rejectedAndConfirmedAfterAll();
  return secureota_test::report();
}
