// Where a filesystem is written: in place, or staged, which is to say by way of the spare
// application slot. The whole signed image goes there first, its manifest included, and is copied
// into its partition once what lies in the slot is what was signed. So an upload that breaks off,
// and an image that is refused at its end, leave the old filesystem as it was.
//
// It costs the spare slot what was in it: the previous application.
//
// That there is something to copy stands in the record (Floor::stage) before the old filesystem is
// touched. Where the power fails after that, the next start copies again from the beginning; the
// digest that the token named says whether what waits in the slot is still whole.
#pragma once

#include "floor.h"
#include "image_sink.h"
#include "read_back.h"

namespace secureota {

enum class Staging : uint8_t {
  Never,        // in place
  WhereItFits,  // in place what is larger than the spare slot
  Always,       // refused, before anything is erased, what is larger than the spare slot
};

// The ImageSink of filesystems, in front of two others.
class StagedFilesystem final : public ImageSink {
 public:
  // Both take filesystems. What `spare` holds can be read without having been written now.
  StagedFilesystem(ImageSink* spare, ImageSink* inPlace)
      : spare_(spare), inPlace_(inPlace), used_(inPlace), staging_(Staging::Never) {}

  void setStaging(Staging staging) { staging_ = staging; }

  // Decides where the next image goes, of `size` bytes with its manifest. True: into the spare
  // slot, and all of it is to be written.
  bool choose(uint32_t size);

  // Copies the image that the record calls staged, whose digest has just been seen, compares what
  // then lies in the partition, and raises the floor. The desk holds a manifest. On any error the
  // next start tries again.
  SECUREOTA_NODISCARD Error copy(Floor* floor, const ReadingDesk& desk);

  // To be called at a start where the record calls an image staged: looks whether it is whole, and
  // copies it. FlashReadBackMismatch where it is not: then nothing waits any more, and there is no
  // filesystem.
  SECUREOTA_NODISCARD Error resume(Floor* floor, const ReadingDesk& desk);

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override {
    return used_->open(kind, size);
  }
  SECUREOTA_NODISCARD Error write(Bytes bytes) override { return used_->write(bytes); }
  bool eraseAhead() override { return used_->eraseAhead(); }
  SECUREOTA_NODISCARD Error seal() override { return used_->seal(); }
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override {
    return used_->readBack(offset, out, size);
  }
  SECUREOTA_NODISCARD Error activate() override { return used_->activate(); }
  void abort() override { used_->abort(); }

 private:
  ImageSink* spare_;
  ImageSink* inPlace_;
  ImageSink* used_;  // the one that was chosen last
  Staging staging_;
};

}  // namespace secureota
