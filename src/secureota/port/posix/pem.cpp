#include "pem.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <stdint.h>
#include <string.h>

namespace secureota {
namespace posix {
namespace {

const char kBegin[] = "-----BEGIN CERTIFICATE-----";
const char kEnd[] = "-----END CERTIFICATE-----";

// RFC 7468: base64 with line breaks between them, padded at the end.
bool appendBase64(const std::string& text, std::string* out) {
  static const char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t bits = 0;
  unsigned held = 0;
  unsigned padding = 0;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == ' ' || c == '\t') {
      continue;
    }
    ++digits;
    if (c == '=') {
      ++padding;
      continue;
    }
    const char* const found = c == '\0' ? nullptr : strchr(kAlphabet, c);
    if (found == nullptr || padding != 0) {
      return false;
    }
    bits = bits << 6 | static_cast<uint32_t>(found - kAlphabet);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out->push_back(static_cast<char>(bits >> held & 0xff));
    }
  }
  return digits % 4 == 0 && padding <= 2;
}

}  // namespace

std::string certificatesOf(const std::string& file) {
  size_t begin = file.find(kBegin);
  if (begin == std::string::npos) {
    return file;
  }
  std::string der;
  for (; begin != std::string::npos; begin = file.find(kBegin, begin)) {
    begin += sizeof kBegin - 1;
    const size_t end = file.find(kEnd, begin);
    if (end == std::string::npos || !appendBase64(file.substr(begin, end - begin), &der)) {
      return std::string();
    }
    begin = end;
  }
  return der;
}

}  // namespace posix
}  // namespace secureota

#endif
