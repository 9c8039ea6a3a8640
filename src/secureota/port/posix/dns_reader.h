// Reading a DNS message (RFC 1035, 4.1): numbers and names, from the front to the end.
//
// Nothing outside of the message is ever looked at. After the first thing that is not there, or is
// no name, nothing is good any more.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

#include "../../bytes.h"

namespace secureota {
namespace posix {

// Names are equal whatever the case of their letters.
char lowerCase(char c);

class DnsReader {
 public:
  explicit DnsReader(Bytes message) : message_(message), at_(0), good_(true) {}

  // Was everything there that was taken?
  bool good() const { return good_; }
  size_t at() const { return at_; }

  uint16_t take16();
  uint32_t take32();
  void skip(size_t size);

  // A name as it stands on the wire, labels with their lengths in front, but in lower case and
  // without pointers. Empty where it is none.
  std::string takeName();

 private:
  unsigned take();
  unsigned byteAt(size_t at);
  bool takeLabel(size_t at, unsigned length, std::string* name);

  Bytes message_;
  size_t at_;
  bool good_;
};

}  // namespace posix
}  // namespace secureota

#endif
