// The verdict about a whole container, as a device gives it: for the programs that judge the
// corpus.
#pragma once

#include <stdlib.h>

#include "secureota/container.h"
#include "secureota/verifier.h"

// Verifies a copy of exactly the token's size, so that a sanitizer sees any read beyond it.
inline secureota::Error judgeToken(secureota::Bytes token, const secureota::TrustStore& anchors,
                                   const secureota::Rules& rules, secureota::VerifiedToken* out) {
  uint8_t* const copy = static_cast<uint8_t*>(malloc(token.size));
  if (copy == nullptr && token.size != 0) {
    return secureota::Error::OutOfMemory;
  }
  if (token.size != 0) {
    memcpy(copy, token.data, token.size);
  }
  const secureota::Error error =
      secureota::verifyToken(secureota::Bytes(copy, token.size), anchors, rules, out);
  free(copy);
  return error;
}

// The same order as on the device, with the whole container at hand.
inline secureota::Error judgeContainer(secureota::Bytes container,
                                       const secureota::TrustStore& anchors,
                                       const secureota::Rules& rules,
                                       secureota::VerifiedToken* out) {
  using namespace secureota;
  HeaderReader reader;
  size_t taken = 0;
  SECUREOTA_TRY(reader.feed(container, &taken));
  if (!reader.complete()) {
    return reader.whyIncomplete();
  }
  const ContainerHeader header = reader.header();
  if (header.tokenSize > kMaxTokenSize) {
    return Error::TokenTooLarge;
  }
  const uint64_t size = static_cast<uint64_t>(taken) + header.tokenSize + header.imageSize;
  if (container.size != size) {
    return container.size < size ? Error::Truncated : Error::TrailingData;
  }
  const Bytes token(container.data + taken, header.tokenSize);
  SECUREOTA_TRY(judgeToken(token, anchors, rules, out));
  uint8_t hash[kSha256Size];
  SECUREOTA_TRY(
      digest(DigestAlgorithm::Sha256, Bytes(token.data + token.size, header.imageSize), hash));
  const bool same = memcmp(hash, out->imageDigest, sizeof hash) == 0;
  return same ? Error::None : Error::ImageMismatch;
}
