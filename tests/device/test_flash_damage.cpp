// Bits that turn over in flash: between writing and activation, between activation and boot, later,
// and in what the device remembers.
#include "flash_device.h"

using namespace pretend;

namespace {

Snapshot updated() {
  CutFlash flash(kSmall.size());
  flash.bytes = fresh();
  Session session(&flash);
  CHECK_ERROR(session.update(containerOf(kTokenB2, image('B'))), Error::None);
  return flash.bytes;
}

SlotState stateOf(CutFlash* flash, int slot) {
  BootData data;
  CHECK(BootStore(flash, kSmall.bootData).load(&data));
  return data.slots[slot].state;
}

void turn(CutFlash* flash, size_t address, size_t bit) {
  flash->bytes[address + bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
}

int flips = 0;

void betweenWritingAndActivation() {
  for (size_t bit = 0; bit < 8 * kImageSize; bit += 37, ++flips) {
    CutFlash flash(kSmall.size());
    flash.bytes = fresh();
    {
      Session session(&flash);
      secureota::Updater updater;
      CHECK_ERROR(session.send(containerOf(kTokenB2, image('B')), &updater), Error::None);
      const size_t programmed = kImageSize / kPageSize * kPageSize;  // the rest waits in a buffer
      turn(&flash, kSmall.slots[1].offset, bit % (8 * programmed));
      CHECK_ERROR(updater.finish(), Error::FlashReadBackMismatch);
      CHECK(stateOf(&flash, 1) == SlotState::Empty);
    }
    Session next(&flash);
    CHECK(next.slot == 0 && next.runs() == image('A') && next.trial.left() == Error::None);
    CHECK_ERROR(next.update(containerOf(kTokenB2, image('B'))), Error::None);
  }
}

void betweenActivationAndBoot() {
  const Snapshot before = updated();
  for (size_t bit = 0; bit < 8 * kImageSize; bit += 37, ++flips) {
    CutFlash flash(kSmall.size());
    flash.bytes = before;
    turn(&flash, kSmall.slots[1].offset, bit);
    Session next(&flash);
    CHECK(next.slot == 0 && next.runs() == image('A'));
    CHECK(stateOf(&flash, 1) == SlotState::Invalid);
    CHECK(next.floorNow() == kStart && next.trial.left() == Error::ImageNotConfirmed);
    CHECK_ERROR(next.update(containerOf(kTokenB2, image('B'))), Error::None);
  }
}

// The image that runs turns bad while another one is on trial: rather the new one than none.
void theOnlyOtherOneIsBad() {
  CutFlash flash(kSmall.size());
  flash.bytes = updated();
  { Session onTrial(&flash); }
  turn(&flash, kSmall.slots[0].offset, 0);
  {
    Session again(&flash);
    CHECK(again.slot == 1 && again.runs() == image('B'));
    CHECK(again.trial.pending() && again.floorNow() == kStart);
    CHECK_ERROR(again.trial.reject(), Error::ActivateFailed);
    CHECK_ERROR(again.trial.confirm(), Error::None);
  }
  Session stays(&flash);
  CHECK(stays.slot == 1 && !stays.trial.pending() && stays.floorNow() == kStart + 2 * kHour);

  turn(&flash, kSmall.slots[1].offset, 0);
  CHECK(Session(&flash).slot == -1);  // nothing that was signed is left
}

void inWhatIsRemembered() {
  CutFlash flash(kSmall.size());
  flash.bytes = updated();
  {
    Session session(&flash);
    CHECK_ERROR(session.trial.confirm(), Error::None);
  }
  const Snapshot before = flash.bytes;
  const uint32_t used = 300;  // bytes of a copy, and some more
  for (uint32_t sector = 0; sector < 4; ++sector) {
    for (size_t bit = 0; bit < 8 * used; ++bit, ++flips) {
      flash.bytes = before;
      turn(&flash, sector * kSectorSize, bit);
      Session session(&flash);
      CHECK(session.slot == 1 && session.runs() == image('B') && !session.trial.pending());
      CHECK(session.floorNow() == kStart + 2 * kHour);
    }
  }
}

}  // namespace

int main() {
  betweenWritingAndActivation();
  betweenActivationAndBoot();
  theOnlyOtherOneIsBad();
  inWhatIsRemembered();
  printf("%d bits turned over\n", flips);
  return secureota_test::report();
}
