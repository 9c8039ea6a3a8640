// Keeps the image that runs, or gives it up.
#pragma once

#include "boot_data.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "../../boot_control.h"
#include "flash_layout.h"

namespace secureota {
namespace posix {

class SlotControl final : public BootControl {
 public:
  SlotControl(NorFlash* flash, const FlashLayout& layout)
      : store_(flash, layout.bootData), running_(-1) {}

  void setRunning(int slot) { running_ = slot; }

  BootState state() override;
  bool otherGivenUp() override;
  bool otherWaits() override;
  SECUREOTA_NODISCARD Error keep() override;
  SECUREOTA_NODISCARD Error giveUp() override;

  // An alarm, which ends the process also where it hangs.
  void limitTrial(uint32_t seconds) override;

 private:
  BootStore store_;
  int running_;
};

}  // namespace posix
}  // namespace secureota

#endif
