// The device that an update happens to: flash that watches how it is used and can fail, and a
// record that can fail. What SECURITY.md calls invariants is asserted here, as it happens.
#pragma once

#include "property.h"
#include "secureota/updater.h"
#include "world.h"

namespace fuzz {

const size_t kSlotSize = 8192;  // bytes; the seeds' images have up to 1000

class Flash final : public secureota::ImageSink {
 public:
  Flash();

  // Forgets everything; no operation fails.
  void reset();

  // ---- what goes wrong ----
  size_t slotSize;
  bool hasFilesystem;
  unsigned failAt;    // the operation that fails, counted from 1; 0: none
  int flipAfterSeal;  // the bit that turns over after the last write; -1: none

  // ---- what is expected ----
  // What a token that was accepted outside of the Updater says; null: nothing may be opened.
  const secureota::VerifiedToken* accepted;
  secureota::ImageKind announced;
  secureota::Bytes heldBack;  // signed and sent, but not to be written

  // ---- what happened ----
  bool bootable;  // activated, and neither opened nor aborted since
  bool isOpen;
  unsigned opened;
  unsigned activated;

  size_t capacity(secureota::ImageKind kind) override;
  secureota::Error open(secureota::ImageKind kind, size_t size) override;
  secureota::Error write(secureota::Bytes bytes) override;
  secureota::Error seal() override;
  secureota::Error readBack(size_t offset, uint8_t* out, size_t count) override;
  secureota::Error activate() override;
  void abort() override;

 private:
  bool holdsWhatWasSigned() const;
  secureota::Error outcome(secureota::Error failure);

  size_t announced_;
  size_t written_;
  size_t readBack_;
  bool sealed_;
  uint8_t slot_[kSlotSize];
};

class Record final : public secureota::RecordStore {
 public:
  Record() : fails(false), size_(0) {}

  bool fails;

  size_t load(uint8_t* out, size_t capacity) override;
  secureota::Error save(secureota::Bytes record) override;

  // Whether the image of this digest is remembered as the one that boots next.
  bool expects(const uint8_t digest[secureota::kSha256Size]) const;

 private:
  uint8_t bytes_[secureota::kRecordSize];
  size_t size_;
};

}  // namespace fuzz
