// One sink for applications and one for filesystems, behind one interface.
#pragma once

#include "image_sink.h"

namespace secureota {

class SinkByKind final : public ImageSink {
 public:
  SinkByKind(ImageSink* application, ImageSink* filesystem)
      : application_(application), filesystem_(filesystem), used_(application) {}

  size_t capacity(ImageKind kind) override { return of(kind)->capacity(kind); }
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override {
    used_ = of(kind);
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
  ImageSink* of(ImageKind kind) const {
    return kind == ImageKind::Application ? application_ : filesystem_;
  }

  ImageSink* application_;
  ImageSink* filesystem_;
  ImageSink* used_;  // the one that was opened last
};

}  // namespace secureota
