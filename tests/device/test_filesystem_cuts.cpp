// The power fails at every erase and every program of an update of the filesystem, which is written
// in place. Then the device boots, and
//
//   - runs its application, whose floor has not moved;
//   - says that there is no filesystem, or there is the old one or the new one, byte for byte;
//   - has raised the filesystem's floor only if it is the new one;
//   - and takes the update that was cut, once more.
#include "flash_device.h"

using namespace pretend;

namespace {

const ImageKind kFs = ImageKind::Filesystem;

template <size_t size>
Buffer contents(const uint8_t (&signedImage)[size]) {
  return Buffer(signedImage, signedImage + size - secureota::kManifestSize);
}
Buffer oldContainer() {
  return containerOf(kLampFsToken, tokenOf(kLampFsImage));
}
Buffer newContainer() {
  return containerOf(kAnyFsToken, tokenOf(kAnyFsImage));
}

void check(CutFlash* flash, int* found) {
  flash->on();
  Session session(flash);
  CHECK(session.slot == 0 && session.runs() == image('A') && !session.trial.pending());
  CHECK_ERROR(session.begun, Error::None);
  CHECK(session.floorNow() == kStart && session.trial.left() == Error::None);

  const Time floor = session.floor.record().filesystem.floor;
  const uint8_t* const at = flash->bytes.data() + kSmall.filesystem.offset;
  const Buffer lies(at, at + contents(kAnyFsImage).size());
  const bool isNew = floor == kStart + 3 * kHour;
  CHECK(isNew || floor == kStart + 2 * kHour);
  if (session.floor.filesystemIsWhole()) {
    CHECK(lies == (isNew ? contents(kAnyFsImage) : contents(kLampFsImage)));
    ++found[isNew ? 2 : 1];
  } else {
    CHECK(!isNew);
    ++found[0];
  }
  CHECK_ERROR(session.update(oldContainer(), kFs), Error::OlderThanFloor);
  CHECK_ERROR(session.update(newContainer(), kFs), isNew ? Error::OlderThanFloor : Error::None);
  Session again(flash);
  CHECK(again.floor.filesystemIsWhole());
  CHECK(again.floor.record().filesystem.floor == kStart + 3 * kHour);
  CHECK_ERROR(again.update(containerOf(kTokenB2, image('B'))), Error::None);
}

}  // namespace

int main() {
  CutFlash flash(kSmall.size());
  flash.bytes = fresh();
  {
    Session session(&flash);
    CHECK_ERROR(session.update(oldContainer(), kFs), Error::None);
  }
  const Snapshot before = flash.bytes;
  flash.on();
  {
    Session session(&flash);
    CHECK_ERROR(session.update(newContainer(), kFs), Error::None);
  }
  const int operations = flash.operations;
  int cuts = 0;
  int found[3] = {0, 0, 0};
  for (int at = 0; at < operations; ++at) {
    for (Torn torn : kEveryTorn) {
      flash.bytes = before;
      flash.on();
      flash.cut(at, torn);
      {
        Session session(&flash);
        CHECK(session.update(newContainer(), kFs) != Error::None || at == operations - 1);
      }
      CHECK(flash.isOff());
      ++cuts;
      check(&flash, found);
    }
  }
  CHECK(found[0] > 0 && found[1] > 0 && found[2] > 0);
  printf(
      "%5d power cuts: an update of the filesystem (%d operations); left were none %d, the old "
      "one %d, the new one %d times\n",
      cuts, operations, found[0], found[1], found[2]);
  return secureota_test::report();
}
