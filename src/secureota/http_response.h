// What a web server answers (RFC 9110, 9112), as far as fetching one file needs it.
//
// Of a field that matters there is one, or none: who sends two lengths means two different things.
#pragma once

#include "http_head.h"
#include "url.h"

namespace secureota {

// Characters of an entity tag with its quotes. Those of servers have up to 40; a longer one is
// treated as none.
const size_t kMaxEtagSize = 64;

// Bytes that a line of an answer may have to be kept whole.
const size_t kHttpResponseLineSize = kMaxUrlSize + 64;

class HttpResponse final : public HttpHead {
 public:
  // `line` belongs to the caller, who may use it for something else before a head begins.
  explicit HttpResponse(char line[kHttpResponseLineSize]);

  void reset();

  // The rest means something once complete() is true.

  unsigned status() const { return status_; }

  // Content-Length.
  bool hasLength() const { return hasLength_; }
  uint32_t length() const { return length_; }

  // Content-Range: bytes `first` to `last` of `total`.
  struct Range {
    uint32_t first;
    uint32_t last;
    uint32_t total;
  };
  bool hasRange() const { return hasRange_; }
  const Range& range() const { return range_; }

  // The body is not the file's bytes, one behind the other: a transfer or content coding.
  bool isCoded() const { return coded_; }

  // The entity tag with its quotes, or empty.
  Bytes etag() const;

  // Where to look instead, as it was sent; or empty.
  Bytes location() const;

 private:
  Error onFirstLine(Bytes line) override;
  Error onField(Bytes name, Bytes value, bool whole) override;
  SECUREOTA_NODISCARD Error takeLength(Bytes value);
  SECUREOTA_NODISCARD Error takeRange(Bytes value);
  SECUREOTA_NODISCARD Error takeEtag(Bytes value);
  SECUREOTA_NODISCARD Error takeLocation(Bytes value);

  unsigned status_;
  bool hasLength_;
  uint32_t length_;
  bool hasRange_;
  Range range_;
  bool coded_;
  bool hasEtag_;
  char etag_[kMaxEtagSize];
  size_t etagSize_;
  char location_[kMaxUrlSize];
  size_t locationSize_;
};

// An entity tag that promises the same bytes, and not only the same meaning (RFC 9110, 8.8.1).
bool isStrongEtag(Bytes etag);

// Is this an entity tag, with its quotes, that can be sent?
bool isEtag(Bytes text);

}  // namespace secureota
