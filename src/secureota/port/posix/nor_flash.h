// NOR flash, as chips have it: what is erased reads as ones, and programming can only make zeros.
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#if defined(SECUREOTA_PORT_POSIX)
#include <string>
#endif

#include "../../bytes.h"
#include "../../error.h"

namespace secureota {
namespace posix {

const uint32_t kPageSize = 256;         // bytes that can be programmed at once
const uint32_t kSectorSize = 4096;      // the least that can be erased
const uint32_t kBlockSize = 64 * 1024;  // erased in much less time than its sixteen sectors

// A piece of it; both numbers are multiples of kSectorSize.
struct Partition {
  uint32_t offset;
  uint32_t size;
};

// Every function returns false where the operation failed; flash may then hold anything at that
// place. A power cut in the middle of one does the same.
class NorFlash {
 public:
  // Makes all bits one. `size` is kSectorSize or kBlockSize, `address` a multiple of it.
  SECUREOTA_NODISCARD virtual bool erase(uint32_t address, uint32_t size) = 0;

  // Leaves the AND of what was there and `bytes`, which lie within one page.
  SECUREOTA_NODISCARD virtual bool program(uint32_t address, Bytes bytes) = 0;

  SECUREOTA_NODISCARD virtual bool read(uint32_t address, uint8_t* out, size_t size) = 0;

 protected:
  ~NorFlash() {}  // never deleted through this interface
};

#if defined(SECUREOTA_PORT_POSIX)

// Flash in a file, which takes room on the disk only where something was written. Where nothing
// was, it reads as zeros: like flash that was used before, it must be erased first.
class FileFlash final : public NorFlash {
 public:
  FileFlash() : fd_(-1) {}
  ~FileFlash();

  // False, with errno set, if there is no such file and none can be made.
  bool open(const std::string& path, uint32_t size);

  SECUREOTA_NODISCARD bool erase(uint32_t address, uint32_t size) override;
  SECUREOTA_NODISCARD bool program(uint32_t address, Bytes bytes) override;
  SECUREOTA_NODISCARD bool read(uint32_t address, uint8_t* out, size_t size) override;

 private:
  FileFlash(const FileFlash&);
  FileFlash& operator=(const FileFlash&);

  int fd_;
};

#endif

}  // namespace posix
}  // namespace secureota

#endif
