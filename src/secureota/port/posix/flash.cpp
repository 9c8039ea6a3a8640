#include "flash.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

namespace secureota {
namespace posix {

Flash::Flash() : runningSlot_(-1), fd_(-1) {}

bool Flash::use(const std::string& directory) {
  if (!makeDirectory(directory)) {
    return false;
  }
  directory_ = directory;
  const std::string self = ownProgram();
  for (int slot = 0; slot < 2; ++slot) {
    if (!self.empty() && realPath(slotPath(slot)) == self) {
      runningSlot_ = slot;
    }
  }
  return true;
}

std::string Flash::slotPath(int slot) const {
  return directory_ + (slot == 0 ? "/slot-0" : "/slot-1");
}

int Flash::bootSlot() const {
  std::string text;
  if (!readFile(directory_ + "/boot", &text) || (text != "0\n" && text != "1\n")) {
    return -1;
  }
  return text[0] - '0';
}

bool Flash::setBootSlot(int slot) {
  return writeFile(directory_ + "/boot", slot == 0 ? "0\n" : "1\n");
}

// ---- the spare slot
// ------------------------------------------------------------------------------

size_t Flash::capacity(ImageKind kind) {
  return kind == ImageKind::Application && runningSlot_ >= 0 ? kSlotSize : 0;
}

Error Flash::open(ImageKind kind, size_t size) {
  if (size > capacity(kind)) {
    return Error::FlashOpenFailed;
  }
  // The slot may be the one that boots next, if nobody restarted after the last update.
  if (bootSlot() != runningSlot_ && !setBootSlot(runningSlot_)) {
    return Error::FlashOpenFailed;
  }
  const std::string path = slotPath(spareSlot());
  // Not truncated but replaced: a process that still runs from it keeps its own.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Error::FlashOpenFailed;
  }
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    return Error::FlashOpenFailed;
  }
  printf("erased slot %d\n", spareSlot());
  fflush(stdout);
  return Error::None;
}

Error Flash::write(Bytes bytes) {
  return writeAll(fd_, bytes.data, bytes.size) ? Error::None : Error::FlashWriteFailed;
}

Error Flash::seal() {
  return ::fsync(fd_) == 0 ? Error::None : Error::FlashWriteFailed;
}

Error Flash::readBack(size_t offset, uint8_t* out, size_t size) {
  while (size != 0) {
    const ssize_t taken = ::pread(fd_, out, size, static_cast<off_t>(offset));
    if (taken <= 0) {
      return Error::FlashReadBackMismatch;
    }
    offset += static_cast<size_t>(taken);
    out += taken;
    size -= static_cast<size_t>(taken);
  }
  return Error::None;
}

Error Flash::activate() {
  if (::fchmod(fd_, 0755) != 0) {
    return Error::ActivateFailed;
  }
  closeSlot();  // a program that is open for writing can't be executed
  return setBootSlot(spareSlot()) ? Error::None : Error::ActivateFailed;
}

void Flash::abort() {
  if (fd_ >= 0) {
    closeSlot();
    (void)::unlink(slotPath(spareSlot()).c_str());
  }
}

void Flash::closeSlot() {
  (void)::close(fd_);
  fd_ = -1;
}

// ---- the record
// ----------------------------------------------------------------------------------

size_t Flash::load(uint8_t* out, size_t capacity) {
  std::string record;
  if (!readFile(directory_ + "/record", &record)) {
    return 0;
  }
  const size_t size = record.size() < capacity ? record.size() : capacity;
  memcpy(out, record.data(), size);
  return size;
}

Error Flash::save(Bytes record) {
  const std::string contents(reinterpret_cast<const char*>(record.data), record.size);
  return writeFile(directory_ + "/record", contents) ? Error::None : Error::FlashWriteFailed;
}

}  // namespace posix
}  // namespace secureota

#endif
