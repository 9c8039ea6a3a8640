#include "files.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

namespace secureota {
namespace posix {

bool readFile(const std::string& path, std::string* out) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  std::string contents;
  char piece[4096];
  ssize_t taken;
  while ((taken = ::read(fd, piece, sizeof piece)) > 0) {
    contents.append(piece, static_cast<size_t>(taken));
  }
  (void)::close(fd);
  if (taken < 0) {
    return false;
  }
  out->swap(contents);
  return true;
}

static bool writeAll(int fd, const uint8_t* bytes, size_t size) {
  while (size != 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return false;
    }
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

bool writeProgram(const std::string& path, const std::string& program) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0) {
    return false;
  }
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(program.data());
  // fchmod: the file may be there from a crash, and the umask may be anything.
  const bool ok = writeAll(fd, bytes, program.size()) && ::fchmod(fd, 0755) == 0;
  return ::close(fd) == 0 && ok && ::rename(temporary.c_str(), path.c_str()) == 0;
}

bool makeDirectory(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

static std::string realPath(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return std::string();
  }
  const std::string result(resolved);
  ::free(resolved);
  return result;
}

std::string ownProgram() {
#if defined(__APPLE__)
  char path[PATH_MAX];
  uint32_t size = sizeof path;
  return ::_NSGetExecutablePath(path, &size) == 0 ? realPath(path) : std::string();
#else
  return realPath("/proc/self/exe");
#endif
}

}  // namespace posix
}  // namespace secureota

#endif
