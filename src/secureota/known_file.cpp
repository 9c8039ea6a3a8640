#include "known_file.h"

#include "text.h"

namespace secureota {

void KnownFile::set(Bytes url, Bytes etag) {
  etagSize_ = 0;
  if (etag.size <= kMaxEtagSize && isEtag(etag) &&
      digest(DigestAlgorithm::Sha256, url, urlDigest_) == Error::None) {
    memcpy(etag_, etag.data, etag.size);
    etagSize_ = etag.size;
  }
}

Bytes KnownFile::etagFor(Bytes url) const {
  uint8_t now[kSha256Size];
  const bool same = etagSize_ != 0 && digest(DigestAlgorithm::Sha256, url, now) == Error::None &&
                    memcmp(now, urlDigest_, sizeof now) == 0;
  return same ? etag() : Bytes();
}

Bytes KnownFile::etag() const {
  return asBytes(etag_, etagSize_);
}

}  // namespace secureota
