// Each target exists twice. crypto_stub.cpp replaces the cryptography: digests are cheap, and
// everybody can sign, so that the fuzzer gets behind the signatures. crypto_real.cpp goes with the
// real one (crypto_mbedtls.cpp): nothing but the seeds is signed.
#pragma once

#include "secureota/bytes.h"

namespace fuzz {

bool cryptoIsStub();

// Makes `signature` a valid one over this digest. Does nothing where that takes a key.
void forgeSignature(secureota::Bytes messageDigest, uint8_t* signature, size_t size);

}  // namespace fuzz
