#include "repair.h"

#include <stdio.h>

#include "crypto_mode.h"
#include "meter.h"
#include "secureota/certificate.h"
#include "secureota/container.h"
#include "secureota/oid.h"
#include "secureota/timestamp.h"
#include "world.h"

namespace fuzz {
namespace {

using namespace secureota;

// The views that the parsers give point into a buffer that is ours to write.
uint8_t* writable(Bytes view) {
  return const_cast<uint8_t*>(view.data);
}

Error putDigest(DigestAlgorithm algorithm, Bytes bytes, Bytes where) {
  uint8_t hash[kMaxDigestSize];
  SECUREOTA_TRY(digest(algorithm, bytes, hash));
  if (where.size == digestSize(algorithm)) {
    memcpy(writable(where), hash, where.size);
  }
  return Error::None;
}

Error sign(DigestAlgorithm algorithm, const uint8_t* firstOctet, Bytes rest, Bytes signature) {
  Digest running;
  uint8_t hash[kMaxDigestSize];
  SECUREOTA_TRY(running.begin(algorithm));
  SECUREOTA_TRY(running.update(Bytes(firstOctet, firstOctet != nullptr ? 1 : 0)));
  SECUREOTA_TRY(running.update(rest));
  SECUREOTA_TRY(running.finish(hash));
  forgeSignature(Bytes(hash, digestSize(algorithm)), writable(signature), signature.size);
  return Error::None;
}

// Signs every certificate of the bag, and gives the one that the SignerInfo names.
Error repairCertificates(Bytes bag, const SignerInfo& info, Bytes* signer) {
  for (DerReader reader(bag); !reader.atEnd();) {
    Bytes der;
    Certificate certificate = Certificate();
    SignatureAlgorithm algorithm;
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
    SECUREOTA_TRY(parseCertificate(der, &certificate));
    if (signatureAlgorithm(certificate.outerAlgorithm, &algorithm) == Error::None) {
      SECUREOTA_TRY(sign(algorithm.digest, nullptr, certificate.tbs, certificate.signature));
    }
    if (certificate.issuer == info.issuer && certificate.serial == info.serial) {
      *signer = der;
    }
  }
  for (size_t i = 0; i < anchors().count(); ++i) {
    Certificate certificate = Certificate();
    SECUREOTA_TRY(parseCertificate(anchors()[i].certificate, &certificate));
    if (certificate.issuer == info.issuer && certificate.serial == info.serial) {
      *signer = certificate.der;
    }
  }
  return Error::None;
}

Error repairEss(Bytes value, bool isV2, Bytes signer) {
  EssCertId ess;
  SECUREOTA_TRY(parseSigningCertificate(value, isV2, &ess));
  DigestAlgorithm algorithm = isV2 ? DigestAlgorithm::Sha256 : DigestAlgorithm::Sha1;
  if (ess.hasAlgorithm) {
    SECUREOTA_TRY(digestAlgorithm(ess.algorithm, &algorithm));
  }
  return putDigest(algorithm, signer, ess.certificateDigest);
}

Error repairAttributes(const SignerInfo& info, DigestAlgorithm algorithm, Bytes content,
                       Bytes signer) {
  DerReader whole(info.signedAttributes);
  DerReader reader((Bytes()));
  SECUREOTA_TRY(whole.enter(tag::contextConstructed(0), &reader));
  while (!reader.atEnd()) {
    Attribute attribute;
    SECUREOTA_TRY(readAttribute(&reader, &attribute));
    DerReader values(attribute.values);
    Bytes value;
    SECUREOTA_TRY(values.readAny(&value));
    if (attribute.type == oid::messageDigest) {
      Bytes contents;
      SECUREOTA_TRY(DerReader(value).read(value.data[0], &contents));
      SECUREOTA_TRY(putDigest(algorithm, content, contents));
    } else if (signer.empty()) {
      continue;  // nobody is named: what binds stays as it is
    } else if (attribute.type == oid::signingCertificateV2) {
      (void)(repairEss(value, true, signer) == Error::None);
    } else if (attribute.type == oid::signingCertificate) {
      (void)(repairEss(value, false, signer) == Error::None);
    }
  }
  return Error::None;
}

Error openSignedData(Bytes token, SignedData* out) {
  TimeStampResp response;
  ContentInfo info;
  SECUREOTA_TRY(checkDer(token));
  SECUREOTA_TRY(parseResponse(token, &response));
  if (!response.hasToken) {
    return Error::NotGranted;
  }
  SECUREOTA_TRY(parseContentInfo(response.token, &info));
  return parseSignedData(info.content, out);
}

Error repair(Bytes token) {
  SignedData data;
  SECUREOTA_TRY(openSignedData(token, &data));
  DerReader reader(data.signerInfos);
  Bytes der;
  SignerInfo info;
  DigestAlgorithm algorithm;
  SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
  SECUREOTA_TRY(parseSignerInfo(der, &info));
  SECUREOTA_TRY(digestAlgorithm(info.digestAlgorithm, &algorithm));
  Bytes signer;
  SECUREOTA_TRY(repairCertificates(data.certificates, info, &signer));
  if (info.signedAttributes.empty()) {
    return Error::None;
  }
  SECUREOTA_TRY(repairAttributes(info, algorithm, data.content, signer));
  const uint8_t set = tag::kSet;
  const Bytes behindTag(info.signedAttributes.data + 1, info.signedAttributes.size - 1);
  return sign(algorithm, &set, behindTag, info.signature);
}

Error putImprint(Bytes token, Bytes image) {
  SignedData data;
  TstInfo info;
  SECUREOTA_TRY(openSignedData(token, &data));
  SECUREOTA_TRY(checkDer(data.content));
  SECUREOTA_TRY(parseTstInfo(data.content, &info));
  return putDigest(DigestAlgorithm::Sha256, image, info.imprint);
}

}  // namespace

void repairToken(uint8_t* token, size_t size) {
  const Pause harness;
  (void)(repair(Bytes(token, size)) == Error::None);
}

void repairContainer(uint8_t* container, size_t size) {
  const Pause harness;
  const uint8_t* const newline = static_cast<uint8_t*>(memchr(container, '\n', size));
  const size_t header = newline == nullptr ? 0 : static_cast<size_t>(newline - container) + 1;
  ContainerHeader sizes;
  if (header == 0 || parseContainerHeader(Bytes(container, header - 1), &sizes) != Error::None ||
      sizes.tokenSize > size - header || sizes.imageSize != size - header - sizes.tokenSize) {
    return;
  }
  uint8_t* const token = container + header;
  const Bytes image(token + sizes.tokenSize, sizes.imageSize);
  (void)(putImprint(Bytes(token, sizes.tokenSize), image) == Error::None);
  repairToken(token, sizes.tokenSize);
}

}  // namespace fuzz
