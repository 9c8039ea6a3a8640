#include "device.h"

#include "meter.h"

namespace fuzz {

using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;

Flash::Flash() {
  reset();
}

void Flash::reset() {
  slotSize = kSlotSize;
  hasFilesystem = false;
  failAt = 0;
  flipAfterSeal = -1;
  accepted = nullptr;
  announced = ImageKind::Application;
  heldBack = Bytes();
  bootable = false;
  isOpen = false;
  opened = 0;
  activated = 0;
  announced_ = 0;
  written_ = 0;
  readBack_ = 0;
  sealed_ = false;
}

bool Flash::holdsWhatWasSigned() const {
  const Pause harness;
  uint8_t digest[secureota::kSha256Size];
  secureota::Digest running;
  PROPERTY(running.begin(secureota::DigestAlgorithm::Sha256) == Error::None &&
               running.update(Bytes(slot_, written_)) == Error::None &&
               running.update(heldBack) == Error::None && running.finish(digest) == Error::None,
           "the harness has memory");
  return memcmp(digest, accepted->imageDigest, sizeof digest) == 0;
}

Error Flash::outcome(Error failure) {
  return failAt != 0 && --failAt == 0 ? failure : Error::None;
}

size_t Flash::capacity(ImageKind kind) {
  return kind == ImageKind::Application || hasFilesystem ? slotSize : 0;
}

Error Flash::open(ImageKind kind, size_t size) {
  PROPERTY(accepted != nullptr, "flash is opened only for a token that was accepted");
  PROPERTY(kind == announced && size <= capacity(kind), "an image fits its slot");
  PROPERTY(!isOpen, "what is open is not opened again");
  bootable = false;
  isOpen = true;
  sealed_ = false;
  announced_ = size;
  written_ = 0;
  readBack_ = 0;
  ++opened;
  return outcome(Error::FlashOpenFailed);
}

Error Flash::write(Bytes bytes) {
  PROPERTY(isOpen && !sealed_, "only an open slot is written");
  PROPERTY(bytes.size <= announced_ - written_, "no more is written than was announced");
  memcpy(slot_ + written_, bytes.data, bytes.size);
  written_ += bytes.size;
  return outcome(Error::FlashWriteFailed);
}

Error Flash::seal() {
  PROPERTY(isOpen && !sealed_ && written_ == announced_, "only a whole image is sealed");
  PROPERTY(holdsWhatWasSigned(), "what is sealed has the digest that was signed");
  sealed_ = true;
  if (flipAfterSeal >= 0 && written_ != 0) {
    const size_t bit = static_cast<size_t>(flipAfterSeal) % (8 * written_);
    slot_[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  return outcome(Error::FlashWriteFailed);
}

Error Flash::readBack(size_t offset, uint8_t* out, size_t count) {
  PROPERTY(sealed_ && offset == readBack_, "flash is read back once, from its start");
  PROPERTY(count <= written_ - offset, "nothing is read back that was not written");
  memcpy(out, slot_ + offset, count);
  readBack_ += count;
  return outcome(Error::FlashReadBackMismatch);
}

Error Flash::activate() {
  PROPERTY(isOpen && sealed_ && readBack_ == announced_, "what boots was read back in full");
  PROPERTY(holdsWhatWasSigned(), "what lies in flash has the digest that was signed");
  const Error error = outcome(Error::ActivateFailed);
  if (error == Error::None) {
    bootable = true;
    isOpen = false;
    ++activated;
  }
  return error;
}

void Flash::abort() {
  isOpen = false;
  bootable = false;
}

size_t Record::load(uint8_t* out, size_t capacity) {
  const size_t count = size_ < capacity ? size_ : capacity;
  memcpy(out, bytes_, count);
  return count;
}

Error Record::save(Bytes record) {
  PROPERTY(record.size == sizeof bytes_, "a record has its size");
  if (fails) {
    return Error::FlashWriteFailed;
  }
  memcpy(bytes_, record.data, record.size);
  size_ = record.size;
  return Error::None;
}

bool Record::expects(const uint8_t digest[secureota::kSha256Size]) const {
  const Pause harness;
  secureota::UpdateRecord record;
  return decodeRecord(Bytes(bytes_, size_), &record) && record.application.pending.size != 0 &&
         memcmp(record.application.pending.digest, digest, secureota::kSha256Size) == 0;
}

}  // namespace fuzz
