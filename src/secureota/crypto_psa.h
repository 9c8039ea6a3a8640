// Digests, and what is made of them, by PSA: the part of crypto_mbedtls.cpp, and of no other file,
// that is for mbedtls 4.x.
#pragma once

#include <psa/crypto.h>

#include "crypto.h"

namespace secureota {
namespace {

// As with older versions, what could not be computed is no verdict: a resource was missing.
Error fromStatus(psa_status_t status) {
  return status == PSA_SUCCESS ? Error::None : Error::OutOfMemory;
}

psa_algorithm_t hashAlgorithm(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::Md5:
      return PSA_ALG_MD5;
    case DigestAlgorithm::Sha1:
      return PSA_ALG_SHA_1;
    case DigestAlgorithm::Sha256:
      return PSA_ALG_SHA_256;
    case DigestAlgorithm::Sha384:
      return PSA_ALG_SHA_384;
    case DigestAlgorithm::Sha512:
      return PSA_ALG_SHA_512;
  }
  return PSA_ALG_NONE;
}

// Owns a PBKDF2 under way for as long as a scope lasts.
class Derivation {
 public:
  Derivation() : operation_(psa_key_derivation_operation_init()) {}
  ~Derivation() { (void)psa_key_derivation_abort(&operation_); }
  psa_key_derivation_operation_t* get() { return &operation_; }

 private:
  Derivation(const Derivation&);
  Derivation& operator=(const Derivation&);

  psa_key_derivation_operation_t operation_;
};

}  // namespace

Digest::~Digest() {
  release();
}

void Digest::release() {
  if (started_) {
    started_ = false;
    void* const state = state_;
    (void)psa_hash_abort(static_cast<psa_hash_operation_t*>(state));
  }
}

Error Digest::begin(DigestAlgorithm algorithm) {
  static_assert(sizeof(psa_hash_operation_t) <= kStateSize, "room for every digest");
  SECUREOTA_TRY(fromStatus(psa_crypto_init()));
  release();
  algorithm_ = algorithm;
  started_ = true;
  void* const state = state_;
  psa_hash_operation_t* const hash = static_cast<psa_hash_operation_t*>(state);
  *hash = psa_hash_operation_init();
  return fromStatus(psa_hash_setup(hash, hashAlgorithm(algorithm)));
}

Error Digest::update(Bytes bytes) {
  void* const state = state_;
  return fromStatus(
      psa_hash_update(static_cast<psa_hash_operation_t*>(state), bytes.data, bytes.size));
}

Error Digest::finish(uint8_t* out) {
  void* const state = state_;
  size_t size = 0;
  const psa_status_t status = psa_hash_finish(static_cast<psa_hash_operation_t*>(state), out,
                                              digestSize(algorithm_), &size);
  release();
  return fromStatus(status);
}

Error pbkdf2Sha256(Bytes password, Bytes salt, uint32_t rounds, uint8_t out[kSha256Size]) {
  SECUREOTA_TRY(fromStatus(psa_crypto_init()));
  Derivation derivation;
  psa_key_derivation_operation_t* const running = derivation.get();
  psa_status_t status = psa_key_derivation_setup(running, PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256));
  if (status == PSA_SUCCESS) {
    status = psa_key_derivation_input_integer(running, PSA_KEY_DERIVATION_INPUT_COST, rounds);
  }
  if (status == PSA_SUCCESS) {
    status = psa_key_derivation_input_bytes(running, PSA_KEY_DERIVATION_INPUT_SALT, salt.data,
                                            salt.size);
  }
  if (status == PSA_SUCCESS) {
    status = psa_key_derivation_input_bytes(running, PSA_KEY_DERIVATION_INPUT_PASSWORD,
                                            password.data, password.size);
  }
  if (status == PSA_SUCCESS) {
    status = psa_key_derivation_output_bytes(running, out, kSha256Size);
  }
  return fromStatus(status);
}

Error hmacSha256(Bytes key, Bytes message, uint8_t out[kSha256Size]) {
  SECUREOTA_TRY(fromStatus(psa_crypto_init()));
  const psa_algorithm_t algorithm = PSA_ALG_HMAC(PSA_ALG_SHA_256);
  psa_key_attributes_t attributes = psa_key_attributes_init();
  psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
  psa_set_key_algorithm(&attributes, algorithm);
  psa_key_id_t id = PSA_KEY_ID_NULL;
  psa_status_t status = psa_import_key(&attributes, key.data, key.size, &id);
  if (status == PSA_SUCCESS) {
    size_t size = 0;
    status = psa_mac_compute(id, algorithm, message.data, message.size, out, kSha256Size, &size);
    (void)psa_destroy_key(id);
  }
  return fromStatus(status);
}

}  // namespace secureota
