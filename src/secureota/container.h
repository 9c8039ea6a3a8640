// The container: header line, token, image, one behind the other (docs/format.md, section 1).
//
//     RedWax/1.00 rfc3161=<n> payload=<m>[ key=value ...]\n   at most 128 bytes with the newline
//     TimeStampResp, DER                                      n bytes
//     image                                                   m bytes
//
// Takes every decision that platformio_secureota/container.py takes, byte for byte.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Bytes of the header line with its newline: what deployed readers take in their first read.
const size_t kMaxHeaderSize = 128;

// What the header says. Nobody signed it: it is framing, and no decision about trust may use it.
struct ContainerHeader {
  uint32_t tokenSize;  // bytes of TimeStampResp, never 0
  uint32_t imageSize;  // bytes of the image, never 0

  // Hints for an early refusal (docs/format.md, section 8), views into the line; empty: not there.
  Bytes product;
  Bytes kind;

  ContainerHeader() : tokenSize(0), imageSize(0) {}
};

// Reads a header line without its newline. Unknown keys are ignored; `rfc3161` and `payload` must
// each be there once, as decimal numbers from 1 to 4,294,967,295 without sign or leading zero.
// HeaderMalformed otherwise.
SECUREOTA_NODISCARD Error parseContainerHeader(Bytes line, ContainerHeader* out);

// Collects a header line that arrives in pieces.
class HeaderReader {
 public:
  HeaderReader() : size_(0), complete_(false) {}

  // Forgets everything.
  void reset();

  // Takes bytes up to and including the newline, counts them in `taken` and leaves the rest to the
  // caller. NotSigned as soon as a byte differs from "RedWax/"; HeaderTooLong when 128 bytes hold
  // no newline; HeaderMalformed.
  SECUREOTA_NODISCARD Error feed(Bytes bytes, size_t* taken);

  // There is a header; feed() takes nothing more.
  bool complete() const { return complete_; }
  const ContainerHeader& header() const { return header_; }

  // Bytes of the line so far, with its newline when complete.
  size_t size() const { return size_; }

  // Why input that ends here is no container: NotSigned, or Truncated if it began like one.
  Error whyIncomplete() const;

 private:
  char line_[kMaxHeaderSize];
  size_t size_;
  bool complete_;
  ContainerHeader header_;
};

}  // namespace secureota
