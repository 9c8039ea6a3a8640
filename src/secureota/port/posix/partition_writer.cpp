#include "partition_writer.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

PartitionWriter::PartitionWriter()
    : flash_(nullptr), partition_(), size_(0), erased_(0), programmed_(0), inPage_(0) {}

void PartitionWriter::begin(NorFlash* flash, Partition partition, uint32_t size) {
  flash_ = flash;
  partition_ = partition;
  size_ = size;
  erased_ = 0;
  programmed_ = 0;
  inPage_ = 0;
}

Error PartitionWriter::write(Bytes bytes) {
  if (bytes.size > size_ - programmed_ - inPage_) {
    return Error::FlashWriteFailed;
  }
  while (!bytes.empty()) {
    const size_t room = kPageSize - inPage_;
    const size_t piece = bytes.size < room ? bytes.size : room;
    memcpy(page_ + inPage_, bytes.data, piece);
    inPage_ += static_cast<uint32_t>(piece);
    bytes = Bytes(bytes.data + piece, bytes.size - piece);
    if (inPage_ == kPageSize) {
      SECUREOTA_TRY(programPage());
    }
  }
  return Error::None;
}

Error PartitionWriter::flush() {
  return inPage_ == 0 ? Error::None : programPage();
}

Error PartitionWriter::programPage() {
  while (erased_ < programmed_ + inPage_) {
    if (!eraseNext()) {
      return Error::FlashWriteFailed;
    }
  }
  if (!flash_->program(partition_.offset + programmed_, Bytes(page_, inPage_))) {
    return Error::FlashWriteFailed;
  }
  programmed_ += inPage_;
  inPage_ = 0;
  return Error::None;
}

bool PartitionWriter::eraseAhead() {
  return erased_ < size_ && eraseNext();
}

// A whole block where the bytes that are still to come need all of its sectors, else a sector.
bool PartitionWriter::eraseNext() {
  const uint32_t address = partition_.offset + erased_;
  const bool block = address % kBlockSize == 0 && size_ - erased_ > kBlockSize - kSectorSize &&
                     partition_.size - erased_ >= kBlockSize;
  const uint32_t unit = block ? kBlockSize : kSectorSize;
  if (!flash_->erase(address, unit)) {
    return false;
  }
  erased_ += unit;
  return true;
}

}  // namespace posix
}  // namespace secureota

#endif
