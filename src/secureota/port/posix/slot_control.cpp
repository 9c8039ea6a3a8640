#include "slot_control.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <unistd.h>

namespace secureota {
namespace posix {

BootState SlotControl::state() {
  BootData data;
  if (running_ < 0 || !store_.load(&data)) {
    return BootState::Unknown;
  }
  return data.slots[running_].state == SlotState::Valid ? BootState::Kept : BootState::OnTrial;
}

bool SlotControl::otherGivenUp() {
  BootData data;
  if (running_ < 0 || !store_.load(&data)) {
    return false;
  }
  const SlotState other = data.slots[1 - running_].state;
  return other == SlotState::Aborted || other == SlotState::Invalid;
}

bool SlotControl::otherWaits() {
  BootData data;
  return running_ >= 0 && store_.load(&data) && data.boots != running_;
}

Error SlotControl::keep() {
  BootData data;
  if (running_ < 0 || !store_.load(&data)) {
    return Error::ActivateFailed;
  }
  SlotState& state = data.slots[running_].state;
  if (state == SlotState::Valid) {
    return Error::None;
  }
  state = SlotState::Valid;
  (void)alarm(0);
  return store_.save(data) == Error::None ? Error::None : Error::ActivateFailed;
}

Error SlotControl::giveUp() {
  BootData data;
  if (running_ < 0 || !store_.load(&data) || data.slots[1 - running_].state != SlotState::Valid) {
    return Error::ActivateFailed;
  }
  data.slots[running_].state = SlotState::Invalid;
  data.boots = static_cast<uint8_t>(1 - running_);
  return store_.save(data) == Error::None ? Error::None : Error::ActivateFailed;
}

void SlotControl::limitTrial(uint32_t seconds) {
  if (state() == BootState::OnTrial) {
    (void)alarm(seconds);
  }
}

}  // namespace posix
}  // namespace secureota

#endif
