#include "nor_flash.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace secureota {
namespace posix {
namespace {

bool writeAt(int fd, uint32_t address, const uint8_t* bytes, size_t size) {
  while (size != 0) {
    const ssize_t written = ::pwrite(fd, bytes, size, static_cast<off_t>(address));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    address += static_cast<uint32_t>(written);
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

FileFlash::~FileFlash() {
  if (fd_ >= 0) {
    (void)::close(fd_);
  }
}

bool FileFlash::open(const std::string& path, uint32_t size) {
  if (fd_ >= 0) {
    (void)::close(fd_);
  }
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  return fd_ >= 0 && ::ftruncate(fd_, static_cast<off_t>(size)) == 0;
}

bool FileFlash::erase(uint32_t address, uint32_t size) {
  uint8_t ones[kSectorSize];
  memset(ones, 0xff, sizeof ones);
  for (uint32_t at = 0; at < size; at += kSectorSize) {
    if (!writeAt(fd_, address + at, ones, sizeof ones)) {
      return false;
    }
  }
  return true;
}

bool FileFlash::program(uint32_t address, Bytes bytes) {
  uint8_t page[kPageSize];
  if (address % kPageSize + bytes.size > kPageSize || !read(address, page, bytes.size)) {
    return false;
  }
  for (size_t i = 0; i < bytes.size; ++i) {
    page[i] &= bytes.data[i];
  }
  return writeAt(fd_, address, page, bytes.size);
}

bool FileFlash::read(uint32_t address, uint8_t* out, size_t size) {
  while (size != 0) {
    const ssize_t taken = ::pread(fd_, out, size, static_cast<off_t>(address));
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken <= 0) {
      return false;
    }
    address += static_cast<uint32_t>(taken);
    out += taken;
    size -= static_cast<size_t>(taken);
  }
  return true;
}

}  // namespace posix
}  // namespace secureota

#endif
