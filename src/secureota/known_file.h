// A file on a web server that held nothing new: under which URL, and its entity tag there.
#pragma once

#include "crypto.h"
#include "http_response.h"

namespace secureota {

class KnownFile {
 public:
  KnownFile() : urlDigest_(), etagSize_(0) {}

  // Nothing is known where `etag` is none that can be sent.
  void set(Bytes url, Bytes etag);

  // Empty where it is another URL, or nothing is known.
  Bytes etagFor(Bytes url) const;
  Bytes etag() const;

 private:
  uint8_t urlDigest_[kSha256Size];
  char etag_[kMaxEtagSize];
  size_t etagSize_;
};

}  // namespace secureota
