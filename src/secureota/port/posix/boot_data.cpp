#include "boot_data.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {
namespace {

// As saved: version (1) | boots (1) | twice: state (1) size (4, little-endian) digest (32)
const uint8_t kVersion = 1;
const size_t kSlotSize = 1 + 4 + kSha256Size;
const size_t kSize = 2 + 2 * kSlotSize;

void putSlot(const Slot& slot, uint8_t* out) {
  out[0] = static_cast<uint8_t>(slot.state);
  for (int i = 0; i < 4; ++i) {
    out[1 + i] = static_cast<uint8_t>(slot.size >> (8 * i));
  }
  memcpy(out + 5, slot.digest, kSha256Size);
}

bool takeSlot(const uint8_t* from, Slot* out) {
  if (from[0] > static_cast<uint8_t>(SlotState::Aborted)) {
    return false;
  }
  out->state = static_cast<SlotState>(from[0]);
  out->size = 0;
  for (int i = 3; i >= 0; --i) {
    out->size = out->size << 8 | from[1 + i];
  }
  memcpy(out->digest, from + 5, kSha256Size);
  return true;
}

}  // namespace

BootData::BootData() : boots(0), slots() {}

bool BootStore::load(BootData* out) {
  uint8_t bytes[kSize + 1];
  BootData data;
  if (copies_.load(bytes, sizeof bytes) != kSize || bytes[0] != kVersion || bytes[1] > 1 ||
      !takeSlot(bytes + 2, &data.slots[0]) || !takeSlot(bytes + 2 + kSlotSize, &data.slots[1])) {
    return false;
  }
  data.boots = bytes[1];
  *out = data;
  return true;
}

Error BootStore::save(const BootData& data) {
  uint8_t bytes[kSize] = {kVersion, data.boots};
  putSlot(data.slots[0], bytes + 2);
  putSlot(data.slots[1], bytes + 2 + kSlotSize);
  return copies_.save(Bytes(bytes, sizeof bytes));
}

}  // namespace posix
}  // namespace secureota

#endif
