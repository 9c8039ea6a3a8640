// Files that survive a crash: written beside the old one, put on the disk, then renamed over it.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <stddef.h>
#include <stdint.h>

#include <string>

namespace secureota {
namespace posix {

// All return false, with errno set, where the system refuses.
bool readFile(const std::string& path, std::string* out);
bool writeFile(const std::string& path, const std::string& contents);

// Copies a program and makes it executable.
bool installProgram(const std::string& from, const std::string& to);

// Makes a directory; one that is there already will do.
bool makeDirectory(const std::string& path);

// Writes everything, however often the system takes only a part.
bool writeAll(int fd, const uint8_t* bytes, size_t size);

// Without links and "..": how to see that two paths are one file. Empty if it does not exist.
std::string realPath(const std::string& path);

// The file that this process was started from.
std::string ownProgram();

}  // namespace posix
}  // namespace secureota

#endif
