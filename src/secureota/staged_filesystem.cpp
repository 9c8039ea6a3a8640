#include "staged_filesystem.h"

#include "manifest.h"

namespace secureota {

static const ImageKind kKind = ImageKind::Filesystem;

bool StagedFilesystem::choose(uint32_t size) {
  const bool staged = staging_ != Staging::Never && size <= spare_->capacity(kKind);
  used_ = staged ? spare_ : inPlace_;
  return staged;
}

size_t StagedFilesystem::capacity(ImageKind kind) {
  const size_t inPlace = inPlace_->capacity(kind);
  if (staging_ != Staging::Always) {
    return inPlace;
  }
  const size_t slot = spare_->capacity(kind);
  const size_t spare = slot < kManifestSize ? 0 : slot - kManifestSize;
  return inPlace < spare ? inPlace : spare;
}

Error StagedFilesystem::copy(Floor* floor, const ReadingDesk& desk) {
  const ImageIdentity image = floor->record().filesystem.pending;
  const uint32_t end = image.size - uint32_t(kManifestSize);
  SECUREOTA_TRY(inPlace_->open(kKind, end));
  for (uint32_t at = 0; at < end;) {
    const uint32_t left = end - at;
    const size_t piece = left < desk.size ? left : desk.size;
    SECUREOTA_TRY(spare_->readBack(at, desk.buffer, piece));
    SECUREOTA_TRY(inPlace_->write(Bytes(desk.buffer, piece)));
    at += static_cast<uint32_t>(piece);
    desk.listener->breathe();
  }
  SECUREOTA_TRY(inPlace_->seal());

  Digest digest;
  SECUREOTA_TRY(digest.begin(DigestAlgorithm::Sha256));
  SECUREOTA_TRY(secureota::readBack(inPlace_, end, desk, &digest));
  SECUREOTA_TRY(spare_->readBack(end, desk.buffer, kManifestSize));
  SECUREOTA_TRY(digest.update(Bytes(desk.buffer, kManifestSize)));
  SECUREOTA_TRY(compare(&digest, image.digest));
  return floor->confirm(kKind, image.digest);
}

Error StagedFilesystem::resume(Floor* floor, const ReadingDesk& desk) {
  const ImageIdentity& image = floor->record().filesystem.pending;
  Digest digest;
  SECUREOTA_TRY(digest.begin(DigestAlgorithm::Sha256));
  Error whole = Error::FlashReadBackMismatch;
  if (image.size >= kManifestSize) {
    whole = secureota::readBack(spare_, image.size, desk, &digest);
    whole = whole == Error::None ? compare(&digest, image.digest) : whole;
  }
  if (whole == Error::FlashReadBackMismatch) {
    SECUREOTA_TRY(floor->dropStaged());
  }
  return whole == Error::None ? copy(floor, desk) : whole;
}

}  // namespace secureota
