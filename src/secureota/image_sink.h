// Where an image goes: the spare slot of a device, behind an interface that a port implements.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

enum class ImageKind : uint8_t { Application, Filesystem };

// Called in this order: open, write..., seal, readBack..., then activate; abort at any point. The
// updater calls open only after the token was accepted, and activate only after what readBack
// returned has the digest that the token names. capacity is called at any time, also while another
// task is in one of the others; none of those is called while another is.
class ImageSink {
 public:
  // Bytes that an image of this kind may have; 0 if there is no place for the kind.
  virtual size_t capacity(ImageKind kind) = 0;

  // Makes the slot unbootable and erases it, or gets ready to erase it piece by piece.
  // FlashOpenFailed.
  SECUREOTA_NODISCARD virtual Error open(ImageKind kind, size_t size) = 0;

  // Appends. FlashWriteFailed.
  SECUREOTA_NODISCARD virtual Error write(Bytes bytes) = 0;

  // Erases the next piece, at most one block, of what is still to be written: for somebody who has
  // time before its bytes come. False where nothing was erased, because nothing is left or because
  // it failed: then write will meet the failure.
  virtual bool eraseAhead() { return false; }

  // Nothing more will be written: puts into flash what a buffer still holds. FlashWriteFailed;
  // ActivateFailed where the platform finds that the image could never boot.
  SECUREOTA_NODISCARD virtual Error seal() = 0;

  // Reads what lies in flash now. FlashReadBackMismatch where it can't be read.
  SECUREOTA_NODISCARD virtual Error readBack(size_t offset, uint8_t* out, size_t size) = 0;

  // Makes the slot the one that boots next. ActivateFailed.
  SECUREOTA_NODISCARD virtual Error activate() = 0;

  // Gives up: the slot must not be bootable afterwards. Does nothing where nothing is open.
  virtual void abort() = 0;

 protected:
  ~ImageSink() {}  // never deleted through this interface
};

}  // namespace secureota
