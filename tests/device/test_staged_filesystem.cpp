// A filesystem that comes by way of the spare slot: what an upload that fails leaves, bits that
// turn over in what waits there, and what does not go that way.
#include "staged_files.h"

using namespace pretend;

namespace {

const uint32_t kSpare = kSmall.slots[1].offset;
const size_t kBits = 8 * (kImageSize + secureota::kManifestSize);
const size_t kStep = 97;  // of bits, of which each is turned once

int flips = 0;

void turn(CutFlash* flash, size_t bit) {
  flash->bytes[kSpare + bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
}

void aGoodOne() {
  CutFlash flash(kSmall.size());
  flash.bytes = withOldFiles();
  {
    Session session(&flash, Staging::Always);
    secureota::Updater updater;
    CHECK_ERROR(session.send(newFiles(), &updater, kFs), Error::None);
    holds(session, 'G');  // until everything is there, and seen to be what was signed
    CHECK_ERROR(updater.finish(), Error::None);
    holds(session, 'H');
  }
  const uint8_t* const at = flash.bytes.data() + kSpare;
  CHECK(Buffer(at, at + kBits / 8) == signedFiles('H'));
  flash.on();
  Session next(&flash, Staging::Always);
  CHECK(next.slot == 0 && flash.operations == 0);
  holds(next, 'H');
}

void anUploadThatFailsCostsNothing() {
  CutFlash flash(kSmall.size());
  flash.bytes = withOldFiles();
  Buffer other = signedFiles('H');
  other[0] ^= 1;
  Buffer cut = newFiles();
  cut.pop_back();
  const Buffer plain(kPlainImage, kPlainImage + sizeof kPlainImage);
  Session session(&flash, Staging::Always);
  secureota::Updater updater;
  CHECK_ERROR(session.send(cut, &updater, kFs), Error::Truncated);
  holds(session, 'G');
  CHECK_ERROR(session.update(containerOf(kNewFilesToken, other), kFs), Error::ImageMismatch);
  holds(session, 'G');
  CHECK_ERROR(session.update(containerOf(kPlainToken, plain), kFs), Error::OlderThanFloor);
  holds(session, 'G');
  holds(Session(&flash), 'G');
}

// An image that does not say what it is for is known as such at its end.
void whatIsNotForTheDevice() {
  CutFlash flash(kSmall.size());
  flash.bytes = fresh();
  const Buffer plain(kPlainImage, kPlainImage + sizeof kPlainImage);
  {
    Session session(&flash, Staging::Always);
    CHECK_ERROR(session.update(containerOf(kPlainToken, plain), kFs), Error::ManifestMissing);
    CHECK(session.floor.filesystemIsWhole());
  }
  Session inPlace(&flash);
  CHECK_ERROR(inPlace.update(containerOf(kPlainToken, plain), kFs), Error::ManifestMissing);
  CHECK(!inPlace.floor.filesystemIsWhole());
}

// Nothing waits any more, there is no filesystem, and the next update brings one.
void isGivenUp(CutFlash* flash) {
  {
    Session session(flash, Staging::Always);
    CHECK_ERROR(session.resumed, Error::FlashReadBackMismatch);
    CHECK(!session.floor.filesystemIsWhole() && !session.floor.record().staged);
    CHECK(session.floor.record().filesystem.floor == kOldFloor);
  }
  Session next(flash, Staging::Always);
  CHECK_ERROR(next.resumed, Error::None);
  CHECK(!next.floor.filesystemIsWhole());
  if (flips % 16 == 0) {
    CHECK_ERROR(next.update(newFiles(), kFs), Error::None);
    holds(next, 'H');
  }
}

void bitsBeforeTheVerification() {
  CutFlash flash(kSmall.size());
  const Snapshot before = withOldFiles();
  const size_t programmed = kImageSize / kPageSize * kPageSize;  // the rest waits in a buffer
  for (size_t bit = 0; bit < 8 * programmed; bit += 8 * kStep, ++flips) {
    flash.bytes = before;
    Session session(&flash, Staging::Always);
    secureota::Updater updater;
    CHECK_ERROR(session.send(newFiles(), &updater, kFs), Error::None);
    turn(&flash, bit);
    CHECK_ERROR(updater.finish(), Error::FlashReadBackMismatch);
    holds(session, 'G');
  }
}

CutFlash* turning;
size_t turningBit;
void turnNow() {
  turn(turning, turningBit);
}

void bitsBetweenVerificationAndCopy() {
  CutFlash flash(kSmall.size());
  const Snapshot before = withOldFiles();
  turning = &flash;
  for (turningBit = 0; turningBit < kBits; turningBit += 4 * kStep, ++flips) {
    flash.bytes = before;
    {
      Session session(&flash, Staging::Always);
      session.inPlace().onErase(turnNow);
      CHECK_ERROR(session.update(newFiles(), kFs), Error::FlashReadBackMismatch);
      CHECK(!session.floor.filesystemIsWhole());
    }
    isGivenUp(&flash);
  }
}

// The power fails as the first sector of the copy is erased, and a bit turns over before it is
// back.
void bitsWhileItWaits() {
  CutFlash flash(kSmall.size());
  flash.bytes = withOldFiles();
  static CutFlash* cutting;
  cutting = &flash;
  {
    Session session(&flash, Staging::Always);
    session.inPlace().onErase([]() { cutting->cut(0, Torn::FirstHalf); });
    CHECK(session.update(newFiles(), kFs) != Error::None && flash.isOff());
  }
  flash.on();
  const Snapshot waiting = flash.bytes;
  holds(Session(&flash), 'H');
  for (size_t bit = 0; bit < kBits; bit += kStep, ++flips) {
    flash.bytes = waiting;
    turn(&flash, bit);
    isGivenUp(&flash);
  }
}

// A device with sinks in memory, of which the spare slot and the filesystem's partition are two.
class Bench : public Device {
 public:
  explicit Bench(Staging staging)
      : spare(&journal), files(&journal), filesystem(&spare, &files), byKind(&flash, &filesystem) {
    CHECK_ERROR(anchors.add(Bytes(kManifestAnchor, sizeof kManifestAnchor)), Error::None);
    spare.filesystemSize = files.filesystemSize = kBits / 8;
    filesystem.setStaging(staging);
  }
  Error update() {
    secureota::UpdaterParts all = parts();
    all.sink = &byKind;
    all.filesystem = &filesystem;
    const Buffer container = newFiles();
    secureota::Updater updater;
    SECUREOTA_TRY(updater.begin(all, kFs, static_cast<uint32_t>(container.size())));
    SECUREOTA_TRY(updater.write(bytesOf(container)));
    return updater.finish();
  }
  Error resume() {
    return filesystem.resume(
        &floor, secureota::ReadingDesk{buffer.data(), secureota::kManifestSize, &listener});
  }

  pretend::Flash spare;
  pretend::Flash files;
  secureota::StagedFilesystem filesystem;
  secureota::SinkByKind byKind;
};

void whatFits() {
  const struct {
    Staging staging;
    size_t spare;
    Error why;
    bool staged;
  } kCases[] = {
      {Staging::Never, kBits / 8, Error::None, false},
      {Staging::WhereItFits, kBits / 8, Error::None, true},
      {Staging::WhereItFits, kBits / 8 - 1, Error::None, false},
      {Staging::WhereItFits, 0, Error::None, false},
      {Staging::Always, kBits / 8, Error::None, true},
      {Staging::Always, kBits / 8 - 1, Error::ImageTooLarge, false},
      {Staging::Always, secureota::kManifestSize, Error::WrongImageKind, false},
      {Staging::Always, 0, Error::WrongImageKind, false},
  };
  for (const auto& each : kCases) {
    Bench bench(each.staging);
    bench.spare.filesystemSize = each.spare;
    CHECK_ERROR(bench.update(), each.why);
    CHECK(bench.spare.slot == (each.staged ? signedFiles('H') : Buffer()));
    CHECK(bench.files.slot == (each.why == Error::None ? image('H') : Buffer()));
    if (each.why != Error::None) {
      CHECK(bench.journal.story() == "" || bench.journal.story() == "abort");
    }
  }
}

// Its place is the spare slot's too, and it was promised to run next.
void anApplicationThatWaitsForItsRestart() {
  Bench bench(Staging::Always);
  bench.boot.waits = true;
  CHECK_ERROR(bench.update(), Error::Busy);
  CHECK(!bench.journal.has("open") && !bench.journal.has("save") && !bench.journal.has("start"));
  bench.filesystem.setStaging(Staging::Never);
  CHECK_ERROR(bench.update(), Error::None);
}

void whatLiesInThePartitionIsCompared() {
  Bench bench(Staging::Always);
  bench.files.flipAfterSeal = 8 * 4000;
  CHECK_ERROR(bench.update(), Error::FlashReadBackMismatch);
  CHECK(bench.floor.record().staged && !bench.floor.filesystemIsWhole());
  CHECK_ERROR(bench.resume(), Error::FlashReadBackMismatch);  // it is not what waits that is bad
  CHECK(bench.floor.record().staged);
  bench.files.flipAfterSeal = -1;
  CHECK_ERROR(bench.resume(), Error::None);
  CHECK(bench.files.slot == image('H') && bench.floor.filesystemIsWhole());
  CHECK(bench.floor.record().filesystem.floor == kNewFloor);
}

void flashThatFailsAtEveryOperation() {
  for (int at = 0;; ++at) {
    Bench bench(Staging::Always);
    bench.files.failAt = at;
    if (bench.update() == Error::None) {
      CHECK(at > 4);
      break;
    }
    CHECK(bench.floor.record().staged && !bench.floor.filesystemIsWhole());
    bench.files.failAt = -1;
    CHECK_ERROR(bench.resume(), Error::None);
    CHECK(bench.files.slot == image('H') && bench.floor.filesystemIsWhole());
  }
}

// What waited was to be copied, and another image came before that was possible.
void whatComesInItsPlace() {
  Bench bench(Staging::Always);
  bench.files.failAt = 0;
  CHECK_ERROR(bench.update(), Error::FlashOpenFailed);
  CHECK(bench.floor.record().staged);
  secureota::Floor floor = bench.floor;
  CHECK_ERROR(floor.expect(ImageKind::Application, secureota::ImageIdentity()), Error::None);
  CHECK(!floor.record().staged && !floor.filesystemIsWhole());
  CHECK_ERROR(bench.floor.forgetFilesystem(), Error::None);  // the sketch has made one
  CHECK(!bench.floor.record().staged && bench.floor.filesystemIsWhole());
}

}  // namespace

int main() {
  aGoodOne();
  anUploadThatFailsCostsNothing();
  whatIsNotForTheDevice();
  bitsBeforeTheVerification();
  bitsBetweenVerificationAndCopy();
  bitsWhileItWaits();
  whatFits();
  anApplicationThatWaitsForItsRestart();
  whatLiesInThePartitionIsCompared();
  flashThatFailsAtEveryOperation();
  whatComesInItsPlace();
  printf("%d bits turned over in what was staged\n", flips);
  return secureota_test::report();
}
