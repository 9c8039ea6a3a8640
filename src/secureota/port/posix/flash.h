// The emulated device's flash: a directory with two slots, the file that says which one boots, and
// the record that outlives restarts.
//
//     slot-0, slot-1   programs
//     boot             "0\n" or "1\n": the slot that runs after the next restart
//     record           UpdateRecord, encoded
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

#include "../../floor.h"
#include "../../image_sink.h"

namespace secureota {
namespace posix {

class Flash final : public ImageSink, public RecordStore {
 public:
  static const size_t kSlotSize = 32 * 1024 * 1024;  // bytes; a program with sanitizers has about 5

  Flash();

  // False, with errno set, if there is no such directory and none can be made.
  bool use(const std::string& directory);

  std::string slotPath(int slot) const;
  // The slot that boots; -1 if the device was never flashed.
  int bootSlot() const;
  bool setBootSlot(int slot);
  // The slot that this process was started from; -1 if it was none.
  int runningSlot() const { return runningSlot_; }

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;
  SECUREOTA_NODISCARD Error write(Bytes bytes) override;
  SECUREOTA_NODISCARD Error seal() override;
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override;
  SECUREOTA_NODISCARD Error activate() override;
  void abort() override;

  size_t load(uint8_t* out, size_t capacity) override;
  SECUREOTA_NODISCARD Error save(Bytes record) override;

 private:
  int spareSlot() const { return 1 - runningSlot_; }
  void closeSlot();

  std::string directory_;
  int runningSlot_;
  int fd_;  // the spare slot while it is written; -1
};

}  // namespace posix
}  // namespace secureota

#endif
