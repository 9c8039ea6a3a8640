#include "flash.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "files.h"

namespace secureota {
namespace posix {

Flash::Flash()
    : timed_(&file_),
      boot_(&timed_, kLayout.bootData),
      record_(&timed_, kLayout.record),
      slotSink_(&timed_, kLayout),
      spareSink_(&timed_, Partition{0, 0}),
      filesystemSink_(&timed_, kLayout.filesystem),
      filesystem_(&spareSink_, &filesystemSink_),
      sink_(&slotSink_, &filesystem_),
      control_(&timed_, kLayout),
      running_(-1) {}

bool Flash::use(const std::string& directory) {
  directory_ = directory;
  return makeDirectory(directory) && file_.open(directory + "/flash.bin", kLayout.size());
}

void Flash::setRunning(int slot) {
  running_ = slot;
  slotSink_.setRunning(slot);
  spareSink_.use(kLayout.slots[1 - slot]);
  control_.setRunning(slot);
}

bool Flash::install(const std::string& program) {
  std::string image;
  if (!readFile(program, &image) || image.size() > kSlotSize) {
    return false;
  }
  const Bytes bytes(reinterpret_cast<const uint8_t*>(image.data()), image.size());
  BootData data;
  data.slots[0].state = SlotState::Valid;
  data.slots[0].size = static_cast<uint32_t>(image.size());
  PartitionWriter writer;
  writer.begin(&timed_, kLayout.slots[0], data.slots[0].size);
  return boot_.save(BootData()) == Error::None && writer.write(bytes) == Error::None &&
         writer.flush() == Error::None &&
         digest(DigestAlgorithm::Sha256, bytes, data.slots[0].digest) == Error::None &&
         boot_.save(data) == Error::None;
}

std::string Flash::extract(int slot) {
  BootData data;
  if (!boot_.load(&data)) {
    return std::string();
  }
  std::string program(data.slots[slot].size, '\0');
  const std::string path = directory_ + (slot == 0 ? "/program-0" : "/program-1");
  uint8_t* const bytes = reinterpret_cast<uint8_t*>(&program[0]);
  return timed_.read(kLayout.slots[slot].offset, bytes, program.size()) &&
                 writeProgram(path, program)
             ? path
             : std::string();
}

}  // namespace posix
}  // namespace secureota

#endif
