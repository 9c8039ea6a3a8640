#include "filesystem_sink.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

size_t FilesystemSink::capacity(ImageKind kind) {
  return kind == ImageKind::Filesystem ? partition_.size : 0;
}

Error FilesystemSink::open(ImageKind kind, size_t size) {
  if (size > capacity(kind)) {
    return Error::FlashOpenFailed;
  }
  writer_.begin(flash_, partition_, static_cast<uint32_t>(size));
  if (onErase_ != nullptr) {
    onErase_();
  }
  return Error::None;
}

Error FilesystemSink::readBack(size_t offset, uint8_t* out, size_t size) {
  const uint32_t address = partition_.offset + static_cast<uint32_t>(offset);
  return offset + size <= partition_.size && flash_->read(address, out, size)
             ? Error::None
             : Error::FlashReadBackMismatch;
}

}  // namespace posix
}  // namespace secureota

#endif
