// Trust anchors from a file, for programs on a computer: PEM (any number of certificates) or DER.
#pragma once

#if !defined(ARDUINO) && (defined(__unix__) || defined(__APPLE__))

#include "../../verifier.h"

namespace secureota {

// Reads the file and adds each certificate in it. The bytes stay allocated for the rest of the
// process, as TrustStore asks. On failure `why` is a sentence for the user, and false comes back.
SECUREOTA_NODISCARD bool addAnchorFile(const char* path, TrustStore* anchors, const char** why);

// Reads a whole file into memory that the caller frees; null if it can't be read.
uint8_t* readFile(const char* path, size_t* size);

}  // namespace secureota

#endif
