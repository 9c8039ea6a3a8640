// Files, and the one that runs.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

namespace secureota {
namespace posix {

// All return false, with errno set, where the system refuses.
bool readFile(const std::string& path, std::string* out);

// Writes an executable file beside the old one and renames it over that: who runs the old one runs
// on.
bool writeProgram(const std::string& path, const std::string& program);

// Makes a directory; one that is there already will do.
bool makeDirectory(const std::string& path);

// The file that this process was started from.
std::string ownProgram();

}  // namespace posix
}  // namespace secureota

#endif
