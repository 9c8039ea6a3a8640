// The emulated device's flash: a directory with one file, and what lives in its partitions.
//
//     flash.bin            the flash (flash_layout.h)
//     program-0, -1        what the boot stage took out of a slot, to execute it
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

#include "../../floor.h"
#include "../../sink_by_kind.h"
#include "../../staged_filesystem.h"
#include "boot_stage.h"
#include "filesystem_sink.h"
#include "slot_control.h"
#include "slot_sink.h"
#include "timed_flash.h"

namespace secureota {
namespace posix {

class Flash final : public RecordStore {
 public:
  Flash();

  // False, with errno set, if there is no such directory and none can be made.
  bool use(const std::string& directory);

  // From now on every operation takes as long as on a chip.
  void takeTime() { timed_.enable(); }

  // What a cable does: writes the program into slot 0 and makes it the one that runs. The record
  // stays as it is.
  SECUREOTA_NODISCARD bool install(const std::string& program);

  // The slot to run after a reset; -1 if the device was never flashed.
  int reset() { return chooseSlot(&timed_, kLayout); }

  // Takes the program out of a slot, as an executable file. Empty, with errno set, on failure.
  std::string extract(int slot);

  bool loadBootData(BootData* out) { return boot_.load(out); }
  ImageSink& sink() { return sink_; }
  SlotSink& slotSink() { return slotSink_; }
  FilesystemSink& spareSink() { return spareSink_; }
  FilesystemSink& filesystemSink() { return filesystemSink_; }
  StagedFilesystem& filesystem() { return filesystem_; }
  SlotControl& control() { return control_; }

  // The slot that this process was started from; -1 if it was none.
  int runningSlot() const { return running_; }
  void setRunning(int slot);

  size_t load(uint8_t* out, size_t capacity) override { return record_.load(out, capacity); }
  SECUREOTA_NODISCARD Error save(Bytes record) override { return record_.save(record); }

 private:
  std::string directory_;
  FileFlash file_;
  TimedFlash timed_;
  BootStore boot_;
  TwoCopies record_;
  SlotSink slotSink_;
  FilesystemSink spareSink_;  // where filesystems are staged
  FilesystemSink filesystemSink_;
  StagedFilesystem filesystem_;
  SinkByKind sink_;
  SlotControl control_;
  int running_;
};

}  // namespace posix
}  // namespace secureota

#endif
