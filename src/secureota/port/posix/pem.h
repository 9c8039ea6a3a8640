// Certificates from a file in either of the usual forms.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

namespace secureota {
namespace posix {

// DER encodings, one after the other, of the certificates in `file`: PEM (any number of
// CERTIFICATE blocks; everything else is skipped) or DER, which is returned as it is. Empty if a
// PEM block is no base64.
std::string certificatesOf(const std::string& file);

}  // namespace posix
}  // namespace secureota

#endif
