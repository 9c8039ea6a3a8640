#include "boot_stage.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {
namespace {

// The slot whose turn it is, if it may run and is intact, or else the other one. Marks what is not.
int firstThatMayRun(NorFlash* flash, const FlashLayout& layout, BootData* data) {
  for (int i = 0; i < 2; ++i) {
    const int slot = i == 0 ? data->boots : 1 - data->boots;
    SlotState& state = data->slots[slot].state;
    if (state != SlotState::New && state != SlotState::Valid) {
      continue;
    }
    if (holdsProgram(flash, layout.slots[slot], data->slots[slot])) {
      return slot;
    }
    state = SlotState::Invalid;
  }
  return -1;
}

// Better an image that was given up than none: it can still take an update.
int lastResort(NorFlash* flash, const FlashLayout& layout, const BootData& data) {
  for (int slot = 0; slot < 2; ++slot) {
    if (data.slots[slot].state == SlotState::Aborted &&
        holdsProgram(flash, layout.slots[slot], data.slots[slot])) {
      return slot;
    }
  }
  return -1;
}

bool differ(const BootData& a, const BootData& b) {
  return a.boots != b.boots || a.slots[0].state != b.slots[0].state ||
         a.slots[1].state != b.slots[1].state;
}

}  // namespace

bool holdsProgram(NorFlash* flash, Partition partition, const Slot& slot) {
  Digest running;
  if (slot.size == 0 || slot.size > partition.size ||
      running.begin(DigestAlgorithm::Sha256) != Error::None) {
    return false;
  }
  uint8_t piece[kSectorSize];
  for (uint32_t at = 0; at < slot.size;) {
    const uint32_t left = slot.size - at;
    const uint32_t take = left < sizeof piece ? left : static_cast<uint32_t>(sizeof piece);
    if (!flash->read(partition.offset + at, piece, take) ||
        running.update(Bytes(piece, take)) != Error::None) {
      return false;
    }
    at += take;
  }
  uint8_t found[kSha256Size];
  return running.finish(found) == Error::None && memcmp(found, slot.digest, kSha256Size) == 0;
}

int chooseSlot(NorFlash* flash, const FlashLayout& layout) {
  BootStore store(flash, layout.bootData);
  BootData data;
  if (!store.load(&data)) {
    return -1;
  }
  const BootData before = data;
  if (data.slots[data.boots].state == SlotState::PendingVerify) {
    data.slots[data.boots].state = SlotState::Aborted;
  }
  int slot = firstThatMayRun(flash, layout, &data);
  if (slot >= 0 && data.slots[slot].state == SlotState::New) {
    BootData onTrial = data;
    onTrial.boots = static_cast<uint8_t>(slot);
    onTrial.slots[slot].state = SlotState::PendingVerify;
    if (store.save(onTrial) == Error::None) {
      return slot;
    }
    // An image that could not be given up again is not tried.
    data.slots[slot].state = SlotState::Aborted;
    slot = firstThatMayRun(flash, layout, &data);
  }
  if (slot < 0) {
    slot = lastResort(flash, layout, data);
  }
  if (slot >= 0) {
    data.boots = static_cast<uint8_t>(slot);
    if (differ(before, data)) {
      const Error saved = store.save(data);
      (void)saved;  // where this fails, the next reset comes to the same end
    }
  }
  return slot;
}

}  // namespace posix
}  // namespace secureota

#endif
