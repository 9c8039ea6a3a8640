// The invariants of an update, attacked: order, pieces of every size, failing flash, replays, the
// floor.
#include "pretend.h"

using pretend::Buffer;
using pretend::bytesOf;
using pretend::containerOf;
using pretend::Device;
using pretend::image;
using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::Updater;

namespace {

const char kWholeStory[] = "start open write seal readBack save activate activated";

// Everything to the end, in pieces of this size; the first error ends it, as in the receiver.
Error feed(Updater* updater, const Buffer& container, size_t piece) {
  for (size_t at = 0; at < container.size(); at += piece) {
    const size_t size = container.size() - at < piece ? container.size() - at : piece;
    SECUREOTA_TRY(updater->write(Bytes(container.data() + at, size)));
  }
  return updater->finish();
}

Error update(Device* device, const Buffer& container, size_t piece = 1460) {
  Updater updater;
  SECUREOTA_TRY(updater.begin(device->parts(), ImageKind::Application,
                              static_cast<uint32_t>(container.size())));
  return feed(&updater, container, piece);
}

size_t tokenEnd(const Buffer& container) {
  return container.size() - kImageSize;
}

void goodContainerInPiecesOfEverySize() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  for (size_t piece = 1; piece <= container.size(); piece += piece < 150 ? 1 : 83) {
    Device device;
    CHECK_ERROR(update(&device, container, piece), Error::None);
    CHECK(device.journal.story() == kWholeStory);
    CHECK(device.flash.slot == image('B') && device.flash.bootable);
  }
}

void goodContainerCutInTwoAnywhere() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  for (size_t cut = 0; cut <= container.size(); ++cut) {
    if (cut > tokenEnd(container) + 5 && cut % 31 != 0) {
      continue;  // inside of the image every byte is like every other
    }
    Device device;
    Updater updater;
    CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application,
                              static_cast<uint32_t>(container.size())),
                Error::None);
    CHECK_ERROR(updater.write(Bytes(container.data(), cut)), Error::None);
    CHECK(device.journal.has("open") == (cut >= tokenEnd(container) + secureota::kFrontSize));
    CHECK_ERROR(updater.write(Bytes(container.data() + cut, container.size() - cut)), Error::None);
    CHECK(!device.journal.has("activate"));
    CHECK_ERROR(updater.finish(), Error::None);
    CHECK(device.journal.story() == kWholeStory);
  }
}

// What claims to be whole and is not.
void everyPrefixIsRefused() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  for (size_t size = 0; size < container.size(); size += size < 60 ? 1 : 37) {
    Device device;
    const Buffer prefix(container.begin(), container.begin() + static_cast<ptrdiff_t>(size));
    CHECK_ERROR(update(&device, prefix), size < 7 ? Error::NotSigned : Error::Truncated);
    CHECK(!device.journal.has("open"));
  }
}

// What ends before the size that was announced.
void anUploadThatEndsEarlyIsNeverActivated() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  for (size_t size = 0; size < container.size(); size += size < 60 ? 1 : 37) {
    Device device;
    Updater updater;
    CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application,
                              static_cast<uint32_t>(container.size())),
                Error::None);
    CHECK_ERROR(updater.write(Bytes(container.data(), size)), Error::None);
    CHECK_ERROR(updater.finish(), size < 7 ? Error::NotSigned : Error::Truncated);
    CHECK(!device.flash.bootable && !device.journal.has("activate"));
    CHECK(device.journal.lines.back() == "abort");
  }
}

void refusalsBeforeTheSlotIsOpened() {
  Buffer badToken = pretend::tokenOf(kTokenB2);
  badToken.back() ^= 1;
  Buffer trailing = containerOf(kTokenB2, image('B'));
  trailing.push_back(0);
  Buffer shortened = containerOf(kTokenB2, image('B'));
  shortened.pop_back();
  const struct {
    Buffer container;
    Error error;
  } kCases[] = {
      {image('B'), Error::NotSigned},
      {pretend::join("RedWax/1.00 rfc3161=x payload=1\n", Buffer(), Buffer()),
       Error::HeaderMalformed},
      {pretend::join(std::string("RedWax/1.00 a=") + std::string(200, 'a'), Buffer(), Buffer()),
       Error::HeaderTooLong},
      {containerOf(Buffer(4097), image('B')), Error::TokenTooLarge},
      {trailing, Error::TrailingData},
      {shortened, Error::Truncated},
      {containerOf(kTokenB2, Buffer(64 * 1024 + 1)), Error::ImageTooLarge},
      {containerOf(Buffer(900, 0xff), image('B')), Error::NotDer},
      {containerOf(badToken, image('B')), Error::SignatureInvalid},
      {containerOf(kTokenBStranger, image('B')), Error::NotTrusted},
      {containerOf(kTokenB1, image('B')), Error::OlderThanFloor},
  };
  for (const auto& each : kCases) {
    for (size_t piece = 1; piece < 2000; piece += 333) {
      Device device;
      CHECK_ERROR(update(&device, each.container, piece), each.error);
      CHECK(device.journal.story() == "abort");
    }
  }
}

void imageThatIsNotTheOneThatWasSigned() {
  const Buffer good = containerOf(kTokenB2, image('B'));
  for (size_t at = tokenEnd(good); at < good.size(); at += 499) {
    Device device;
    Buffer bad = good;
    bad[at] ^= 0x10;
    CHECK_ERROR(update(&device, bad), Error::ImageMismatch);
    CHECK(device.journal.story() == "start open write abort");
    CHECK(device.floor.record().application.pending.size == 0);
  }
}

void bitThatTurnsOverInFlash() {
  for (int bit = 0; bit < static_cast<int>(kImageSize) * 8; bit += 797) {
    Device device;
    device.flash.flipAfterSeal = bit;
    CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::FlashReadBackMismatch);
    CHECK(device.journal.story() == "start open write seal readBack abort");
    CHECK(device.floor.record().application.pending.size == 0);
  }
}

void flashThatFailsAtEveryOperation() {
  Device whole;
  CHECK_ERROR(update(&whole, containerOf(kTokenB2, image('B'))), Error::None);
  int operations = 0;
  for (const std::string& line : whole.journal.lines) {
    operations += line == "open" || line == "write" || line == "seal" || line == "readBack" ||
                  line == "activate";
  }
  for (int at = 0; at < operations; ++at) {
    Device device;
    device.flash.failAt = at;
    const Error error = update(&device, containerOf(kTokenB2, image('B')));
    CHECK(error == Error::FlashOpenFailed || error == Error::FlashWriteFailed ||
          error == Error::FlashReadBackMismatch || error == Error::ActivateFailed);
    CHECK(!device.flash.bootable && device.journal.lines.back() == "abort");
    CHECK(device.floor.record().application.floor == kStart + kHour);
    device.flash.failAt = -1;
    CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::None);
  }
  CHECK(operations > 6);
}

void recordThatCannotBeSaved() {
  Device device;
  device.store.fails = true;
  CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::ActivateFailed);
  CHECK(!device.journal.has("activate"));
}

// The running image's own container, again, and its token in front of rubbish: nothing is touched.
void replayOfTheRunningImage() {
  const Buffer kImages[] = {image('A'), image('B'), Buffer(1), Buffer(64 * 1024)};
  for (const Buffer& payload : kImages) {
    for (size_t piece : {1UL, 1460UL, 100000UL}) {
      Device device;
      CHECK_ERROR(update(&device, containerOf(kTokenA1, payload), piece), Error::None);
      CHECK(device.journal.story() == "alreadyRunning");
      CHECK_ERROR(update(&device, containerOf(kTokenA3, payload), piece), Error::None);
      CHECK(device.journal.story() == "alreadyRunning");
    }
  }
}

// An image on trial is not overwritten, nor the one that it may go back to; its own container is
// welcome as always.
void nothingElseWhileOnTrial() {
  Device device;
  device.boot.now = secureota::BootState::OnTrial;
  CHECK_ERROR(device.trial.begin(&device.boot, &device.floor, device.running), Error::None);
  CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::NotConfirmedYet);
  CHECK(device.journal.story() == "abort");
  CHECK_ERROR(update(&device, containerOf(kTokenBStranger, image('B'))), Error::NotTrusted);
  CHECK_ERROR(update(&device, containerOf(kTokenA3, image('A'))), Error::None);
  CHECK(device.journal.story() == "abort alreadyRunning");
  CHECK_ERROR(device.trial.confirm(), Error::None);
  CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::None);
}

void replayIsReadToItsEnd() {
  Device device;
  Updater updater;
  const Buffer container = containerOf(kTokenA1, image('A'));
  CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application,
                            static_cast<uint32_t>(container.size())),
              Error::None);
  CHECK_ERROR(updater.write(Bytes(container.data(), container.size() - 1)), Error::None);
  CHECK(updater.alreadyRunning());
  CHECK_ERROR(updater.finish(), Error::Truncated);
}

void portThatCannotTellWhatRuns() {
  Device device;
  secureota::UpdaterParts parts = device.parts();
  parts.runningDigest = nullptr;
  Updater updater;
  const Buffer container = containerOf(kTokenA3, image('A'));
  CHECK_ERROR(updater.begin(parts, ImageKind::Application, static_cast<uint32_t>(container.size())),
              Error::None);
  CHECK_ERROR(feed(&updater, container, 1460), Error::None);
  CHECK(device.journal.story() == kWholeStory);
}

void floorRisesOnlyWhenTheImageConfirms() {
  Device device;
  CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))), Error::None);
  CHECK(device.floor.record().application.floor == kStart + kHour);
  CHECK(device.floor.record().application.pending.genTime == kStart + 2 * kHour);
  CHECK(device.floor.record().application.pending.size == kImageSize);

  CHECK_ERROR(device.floor.confirm(ImageKind::Application, device.running),
              Error::None);  // 'A' runs on: not its turn
  CHECK(device.floor.record().application.floor == kStart + kHour);

  secureota::Floor next;  // after the restart, in 'B'
  CHECK_ERROR(next.begin(&device.store, kStart + 99 * kHour), Error::None);
  uint8_t runs[secureota::kSha256Size];
  CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256, bytesOf(image('B')), runs),
              Error::None);
  CHECK_ERROR(next.confirm(ImageKind::Application, runs), Error::None);
  CHECK(next.record().application.floor == kStart + 2 * kHour);
  CHECK(next.record().application.pending.size == 0);
}

void whatCanNotBeginAtAll() {
  Device device;
  Updater updater;
  CHECK_ERROR(updater.begin(device.parts(), ImageKind::Filesystem, 100), Error::WrongImageKind);
  secureota::UpdaterParts parts = device.parts();
  const secureota::TrustStore nobody;
  parts.anchors = &nobody;
  CHECK_ERROR(updater.begin(parts, ImageKind::Application, 100), Error::NoTrustAnchor);
  CHECK(device.journal.story().empty());
}

void errorsLast() {
  Device device;
  Updater updater;
  const uint8_t rubbish[] = {1, 2, 3};
  CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application, 100), Error::None);
  CHECK(updater.active());
  CHECK_ERROR(updater.write(Bytes(rubbish, 3)), Error::NotSigned);
  CHECK(!updater.active());
  CHECK_ERROR(updater.write(Bytes(rubbish, 3)), Error::NotSigned);
  CHECK_ERROR(updater.finish(), Error::NotSigned);
  CHECK_ERROR(update(&device, containerOf(kTokenB2, image('B'))),
              Error::None);  // and then a good one
}

void moreThanWasAnnounced() {
  Device device;
  Updater updater;
  Buffer container = containerOf(kTokenB2, image('B'));
  CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application,
                            static_cast<uint32_t>(container.size())),
              Error::None);
  container.push_back(0);
  CHECK_ERROR(updater.write(bytesOf(container)), Error::TrailingData);
  CHECK(!device.journal.has("open"));
}

void brokenOff() {
  Device device;
  Updater updater;
  const Buffer container = containerOf(kTokenB2, image('B'));
  CHECK_ERROR(updater.begin(device.parts(), ImageKind::Application,
                            static_cast<uint32_t>(container.size())),
              Error::None);
  CHECK_ERROR(updater.write(Bytes(container.data(), container.size() - 1)), Error::None);
  updater.abort();
  CHECK(device.journal.lines.back() == "abort");
  CHECK(updater.finish() != Error::None);
  CHECK(!device.flash.bootable);
}

}  // namespace

int main() {
  goodContainerInPiecesOfEverySize();
  goodContainerCutInTwoAnywhere();
  everyPrefixIsRefused();
  anUploadThatEndsEarlyIsNeverActivated();
  refusalsBeforeTheSlotIsOpened();
  imageThatIsNotTheOneThatWasSigned();
  bitThatTurnsOverInFlash();
  flashThatFailsAtEveryOperation();
  recordThatCannotBeSaved();
  replayOfTheRunningImage();
  replayIsReadToItsEnd();
  nothingElseWhileOnTrial();
  portThatCannotTellWhatRuns();
  floorRisesOnlyWhenTheImageConfirms();
  whatCanNotBeginAtAll();
  errorsLast();
  moreThanWasAnnounced();
  brokenOff();
  return secureota_test::report();
}
