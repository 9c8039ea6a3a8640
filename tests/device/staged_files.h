// A device whose filesystem is image 'G', and the signed image 'H' that comes next.
#pragma once

#include "flash_device.h"

namespace pretend {

using secureota::Staging;

const ImageKind kFs = ImageKind::Filesystem;
const Time kOldFloor = kStart + 2 * kHour;
const Time kNewFloor = kStart + 3 * kHour;

inline Buffer signedFiles(uint8_t seed) {
  Buffer result = image(seed);
  const uint8_t* const end = kAnyFsImage + sizeof kAnyFsImage;
  result.insert(result.end(), end - secureota::kManifestSize, end);
  return result;
}
inline Buffer oldFiles() {
  return containerOf(kOldFilesToken, signedFiles('G'));
}
inline Buffer newFiles() {
  return containerOf(kNewFilesToken, signedFiles('H'));
}

inline Snapshot withOldFiles() {
  CutFlash flash(kSmall.size());
  flash.bytes = fresh();
  Session session(&flash);
  CHECK_ERROR(session.update(oldFiles(), kFs), Error::None);
  CHECK(session.files() == image('G'));
  return flash.bytes;
}

// The filesystem is there as it was signed, and its floor is its token's time.
inline void holds(const Session& session, uint8_t seed) {
  CHECK(session.floor.filesystemIsWhole() && !session.floor.record().staged);
  CHECK(session.files() == image(seed));
  CHECK(session.floor.record().filesystem.floor == (seed == 'G' ? kOldFloor : kNewFloor));
}

}  // namespace pretend
