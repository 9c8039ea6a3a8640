#include "slot_sink.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

SlotSink::SlotSink(NorFlash* flash, const FlashLayout& layout)
    : flash_(flash),
      layout_(layout),
      store_(flash, layout.bootData),
      running_(-1),
      onErase_(nullptr),
      open_(false),
      size_(0) {}

size_t SlotSink::capacity(ImageKind kind) {
  return kind == ImageKind::Application && running_ >= 0 ? layout_.slots[spare()].size : 0;
}

Error SlotSink::open(ImageKind kind, size_t size) {
  BootData data;
  if (size > capacity(kind) || !store_.load(&data)) {
    return Error::FlashOpenFailed;
  }
  // The slot may be the one that boots next, if nobody restarted after the last update.
  Slot& slot = data.slots[spare()];
  if (slot.state != SlotState::Empty || data.boots != running_) {
    data.boots = static_cast<uint8_t>(running_);
    slot = Slot();
    if (store_.save(data) != Error::None) {
      return Error::FlashOpenFailed;
    }
  }
  size_ = static_cast<uint32_t>(size);
  writer_.begin(flash_, layout_.slots[spare()], size_);
  if (onErase_ != nullptr) {
    onErase_(spare());
  }
  open_ = true;
  return digest_.begin(DigestAlgorithm::Sha256);
}

Error SlotSink::write(Bytes bytes) {
  SECUREOTA_TRY(digest_.update(bytes));
  return writer_.write(bytes);
}

Error SlotSink::seal() {
  return writer_.flush();
}

Error SlotSink::readBack(size_t offset, uint8_t* out, size_t size) {
  const uint32_t address = layout_.slots[spare()].offset + static_cast<uint32_t>(offset);
  return offset + size <= size_ && flash_->read(address, out, size) ? Error::None
                                                                    : Error::FlashReadBackMismatch;
}

Error SlotSink::activate() {
  BootData data;
  if (!open_ || !store_.load(&data)) {
    return Error::ActivateFailed;
  }
  Slot& slot = data.slots[spare()];
  slot.state = SlotState::New;
  slot.size = size_;
  if (digest_.finish(slot.digest) != Error::None) {
    return Error::ActivateFailed;
  }
  data.boots = static_cast<uint8_t>(spare());
  if (store_.save(data) != Error::None) {
    return Error::ActivateFailed;
  }
  open_ = false;
  return Error::None;
}

// The slot is empty since open(), for the boot stage.
void SlotSink::abort() {
  open_ = false;
}

}  // namespace posix
}  // namespace secureota

#endif
