// Keeps what an image says about itself while the image passes, and decides whether this device may
// take it (docs/format.md, section 8): an ESP32 application by its first bytes, before anything is
// erased; any other image by its last ones, before anything is activated.
#pragma once

#include "container.h"
#include "manifest.h"

namespace secureota {

// What the container's header says is no proof of anything, but a reason to stop early.
// ImageKindMismatch, WrongProduct. `own` may be null, here as below.
SECUREOTA_NODISCARD Error checkHints(const ContainerHeader& header, ImageKind kind,
                                     const Manifest* own);

class ImageJudge {
 public:
  ImageJudge();

  // An image of `size` bytes is about to come. `front`, of kFrontSize bytes, is the judge's until
  // judgeFront has answered.
  void begin(ImageKind kind, uint32_t size, const Manifest* own, uint8_t* front);

  // Bytes of the image that lie in flash in the end: all, but for the manifest behind a filesystem.
  uint32_t storedSize() const;

  // ---- first ----

  // Takes off the front of `rest` what it needs to see before anything is erased; true when it has
  // seen it, and then judgeFront may be asked, and afterwards front() passed on.
  bool takeFront(Bytes* rest);
  Bytes front() const { return Bytes(front_, frontTaken_); }

  // None also where nothing can be said yet.
  SECUREOTA_NODISCARD Error judgeFront();

  // ---- then, with every byte of the image from its first one on ----

  // The part of `piece` that goes into flash.
  Bytes pass(Bytes piece);

  // When all have passed.
  SECUREOTA_NODISCARD Error judgeEnd() const;

  // What was signed and does not lie in flash: a filesystem's manifest. Empty otherwise.
  Bytes heldBack() const;

 private:
  // A part of the image by offset and size, for images that have it.
  uint32_t frontSize() const { return size_ < kFrontSize ? size_ : uint32_t(kFrontSize); }
  bool hasEnd() const { return size_ >= kManifestSize; }
  SECUREOTA_NODISCARD Error judge(Bytes image) const;

  ImageKind kind_;
  uint32_t size_;
  const Manifest* own_;
  uint8_t* front_;
  uint32_t frontTaken_;
  bool judged_;  // by its front
  uint32_t passed_;
  uint8_t end_[kManifestSize];
};

}  // namespace secureota
