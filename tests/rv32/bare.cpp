#include "bare.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "secureota/certificate.h"
#include "secureota/signed_attributes.h"
#include "secureota/timestamp.h"

#if MBEDTLS_VERSION_MAJOR < 3
#define BARE_MBEDTLS(name) name##_ret
#else
#define BARE_MBEDTLS(name) name
#endif

namespace {

using namespace secureota;

const uint8_t kSet = tag::kSet;

Error takeApartUnchecked(Bytes timeStampResp, BareWork* out) {
  TimeStampResp response;
  ContentInfo contentInfo;
  SignedData signedData;
  SignerInfo info;
  SECUREOTA_TRY(parseResponse(timeStampResp, &response));
  SECUREOTA_TRY(parseContentInfo(response.token, &contentInfo));
  SECUREOTA_TRY(parseSignedData(contentInfo.content, &signedData));
  SECUREOTA_TRY(parseSignerInfo(signedData.signerInfos, &info));
  out->tstInfo = signedData.content;
  out->signedAttributes = info.signedAttributes;
  out->signature = info.signature;
  out->certificateCount = 1;
  for (DerReader reader(signedData.certificates); !reader.atEnd();) {
    Bytes der;
    Certificate certificate = Certificate();
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
    SECUREOTA_TRY(parseCertificate(der, &certificate));
    const bool isSigner = certificate.issuer == info.issuer && certificate.serial == info.serial;
    if (!isSigner && out->certificateCount == BareWork::kMaxCertificates) {
      return Error::TooManyCertificates;
    }
    out->certificates[isSigner ? 0 : out->certificateCount++] = der;
  }
  return Error::None;
}

bool parse(mbedtls_x509_crt* chain, const Bytes* certificates, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (mbedtls_x509_crt_parse_der(chain, certificates[i].data, certificates[i].size) != 0) {
      return false;
    }
  }
  return true;
}

bool hash(Bytes bytes, uint8_t out[kSha256Size]) {
  return BARE_MBEDTLS(mbedtls_sha256)(bytes.data, bytes.size, out, 0) == 0;
}

bool hashAttributes(Bytes attributes, uint8_t out[kSha256Size]) {
  mbedtls_sha256_context running;
  mbedtls_sha256_init(&running);
  const bool good = BARE_MBEDTLS(mbedtls_sha256_starts)(&running, 0) == 0 &&
                    BARE_MBEDTLS(mbedtls_sha256_update)(&running, &kSet, 1) == 0 &&
                    BARE_MBEDTLS(mbedtls_sha256_update)(&running, attributes.data + 1,
                                                        attributes.size - 1) == 0 &&
                    BARE_MBEDTLS(mbedtls_sha256_finish)(&running, out) == 0;
  mbedtls_sha256_free(&running);
  return good;
}

bool hashAndVerify(mbedtls_pk_context* key, const BareWork& work) {
  uint8_t digest[kSha256Size];
  return hash(work.tstInfo, digest) && hash(work.certificates[0], digest) &&
         hashAttributes(work.signedAttributes, digest) &&
         mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, digest, sizeof digest, work.signature.data,
                           work.signature.size) == 0;
}

}  // namespace

bool takeApart(Bytes timeStampResp, BareWork* out) {
  return takeApartUnchecked(timeStampResp, out) == Error::None;
}

bool verifyBare(const BareWork& work) {
  mbedtls_x509_crt anchors;
  mbedtls_x509_crt chain;
  mbedtls_x509_crt_init(&anchors);
  mbedtls_x509_crt_init(&chain);
  uint32_t flags = 0;
  const bool good =
      parse(&anchors, work.anchors, work.anchorCount) &&
      parse(&chain, work.certificates, work.certificateCount) &&
      mbedtls_x509_crt_verify(&chain, &anchors, nullptr, nullptr, &flags, nullptr, nullptr) == 0 &&
      hashAndVerify(&chain.pk, work);
  mbedtls_x509_crt_free(&chain);
  mbedtls_x509_crt_free(&anchors);
  return good;
}

bool primitivesBare(const BareWork& work) {
  Certificate certificate = Certificate();
  if (parseCertificate(work.certificates[0], &certificate) != Error::None) {
    return false;
  }
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  const Bytes spki = certificate.subjectPublicKeyInfo;
  unsigned char* at = const_cast<unsigned char*>(spki.data);
  const bool good =
      mbedtls_pk_parse_subpubkey(&at, at + spki.size, &key) == 0 && hashAndVerify(&key, work);
  mbedtls_pk_free(&key);
  return good;
}
