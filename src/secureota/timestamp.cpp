#include "timestamp.h"

#include "certificate.h"
#include "oid.h"

namespace secureota {
namespace {

// PKIStatusInfo ::= SEQUENCE { status, statusString OPTIONAL, failInfo BIT STRING OPTIONAL }
Error parseStatusInfo(DerReader* fields, TimeStampResp* out) {
  DerReader info((Bytes()));
  SECUREOTA_TRY(fields->enter(tag::kSequence, &info));
  SECUREOTA_TRY(info.read(tag::kInteger, &out->status));
  if (info.nextIs(tag::kSequence)) {
    DerReader texts((Bytes()));
    SECUREOTA_TRY(info.enter(tag::kSequence, &texts));
    while (!texts.atEnd()) {
      SECUREOTA_TRY(texts.skip(tag::kUtf8String));  // of any length; never copied
    }
  }
  Bytes failInfo;
  SECUREOTA_TRY(info.readOptional(tag::kBitString, &failInfo, &out->hasFailInfo));
  return info.expectEnd(Error::UnexpectedField);
}

// EncapsulatedContentInfo ::= SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL
// }
Error parseEncapsulatedContent(DerReader* fields, SignedData* out) {
  DerReader encapsulated((Bytes()));
  SECUREOTA_TRY(fields->enter(tag::kSequence, &encapsulated));
  SECUREOTA_TRY(encapsulated.read(tag::kObjectIdentifier, &out->contentType));
  Bytes wrapped;
  SECUREOTA_TRY(encapsulated.readOptional(tag::contextConstructed(0), &wrapped, &out->hasContent));
  SECUREOTA_TRY(encapsulated.expectEnd(Error::UnexpectedField));
  if (!out->hasContent) {
    return Error::None;
  }
  DerReader reader(wrapped);
  SECUREOTA_TRY(reader.read(tag::kOctetString, &out->content));
  return reader.expectEnd(Error::UnexpectedField);
}

// Whether the contents of a SET OF hold SEQUENCEs alone.
Error checkSequences(Bytes contents) {
  DerReader reader(contents);
  while (!reader.atEnd()) {
    SECUREOTA_TRY(reader.skip(tag::kSequence));
  }
  return Error::None;
}

Error checkAlgorithms(Bytes contents) {
  DerReader reader(contents);
  while (!reader.atEnd()) {
    AlgorithmIdentifier id;
    SECUREOTA_TRY(readAlgorithm(&reader, &id));
  }
  return Error::None;
}

// GeneralNames with one directoryName [4] EXPLICIT Name: the issuer (RFC 5035 5).
Error readDirectoryName(DerReader* fields, Bytes* name) {
  DerReader names((Bytes()));
  DerReader wrapped((Bytes()));
  SECUREOTA_TRY(fields->enter(tag::kSequence, &names));
  SECUREOTA_TRY(names.enter(tag::contextConstructed(4), &wrapped));
  SECUREOTA_TRY(names.expectEnd(Error::Malformed));
  SECUREOTA_TRY(wrapped.readWhole(tag::kSequence, name));
  return wrapped.expectEnd(Error::Malformed);
}

// MessageImprint ::= SEQUENCE { hashAlgorithm, hashedMessage OCTET STRING }
Error readImprint(DerReader* fields, TstInfo* out) {
  DerReader reader((Bytes()));
  SECUREOTA_TRY(fields->enter(tag::kSequence, &reader));
  SECUREOTA_TRY(readAlgorithm(&reader, &out->imprintAlgorithm));
  SECUREOTA_TRY(reader.read(tag::kOctetString, &out->imprint));
  return reader.expectEnd(Error::Malformed);
}

// Accuracy ::= SEQUENCE { seconds INTEGER, millis [0] INTEGER, micros [1] INTEGER }, all OPTIONAL
Error readAccuracy(DerReader* fields, TstInfo* out) {
  DerReader reader((Bytes()));
  SECUREOTA_TRY(fields->enter(tag::kSequence, &reader));
  bool present = false;
  bool hasMillis = false;
  bool hasMicros = false;
  SECUREOTA_TRY(reader.readOptional(tag::kInteger, &out->accuracySeconds, &present));
  SECUREOTA_TRY(reader.readOptional(tag::context(0), &out->accuracyMillis, &hasMillis));
  SECUREOTA_TRY(reader.readOptional(tag::context(1), &out->accuracyMicros, &hasMicros));
  SECUREOTA_TRY(reader.expectEnd(Error::UnexpectedField));
  // checkDer() can't know that [0] and [1] stand for INTEGERs.
  if ((hasMillis && !integerIsMinimal(out->accuracyMillis)) ||
      (hasMicros && !integerIsMinimal(out->accuracyMicros))) {
    return Error::NotDer;
  }
  return Error::None;
}

Error anyCritical(Bytes extensions, bool* out) {
  DerReader reader(extensions);
  bool critical = false;
  while (!reader.atEnd()) {
    Extension extension;
    SECUREOTA_TRY(readExtension(&reader, &extension));
    critical = critical || extension.critical;
  }
  *out = critical;
  return Error::None;
}

}  // namespace

// Here and not in the header: who has such a value calls one function, and does not hold two dozen
// stores of its own.
TimeStampResp::TimeStampResp() : hasFailInfo(false), hasToken(false) {}
SignedData::SignedData() : hasContent(false) {}
SignerInfo::SignerInfo() = default;
EssCertId::EssCertId() : hasAlgorithm(false), hasIssuerSerial(false) {}
TstInfo::TstInfo() : unknownCritical(false) {}

Error parseResponse(Bytes der, TimeStampResp* out) {
  TimeStampResp response;
  DerReader outer(der);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(parseStatusInfo(&fields, &response));
  response.hasToken = !fields.atEnd();
  if (response.hasToken) {
    SECUREOTA_TRY(fields.readWhole(tag::kSequence, &response.token));
  }
  SECUREOTA_TRY(fields.expectEnd(Error::UnexpectedField));
  *out = response;
  return Error::None;
}

Error parseContentInfo(Bytes token, ContentInfo* out) {
  ContentInfo info;
  DerReader outer(token);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(fields.read(tag::kObjectIdentifier, &info.contentType));
  SECUREOTA_TRY(fields.read(tag::contextConstructed(0), &info.content));
  SECUREOTA_TRY(fields.expectEnd(Error::UnexpectedField));
  *out = info;
  return Error::None;
}

Error parseSignedData(Bytes content, SignedData* out) {
  SignedData data;
  DerReader outer(content);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(outer.expectEnd(Error::UnexpectedField));
  SECUREOTA_TRY(fields.read(tag::kInteger, &data.version));
  SECUREOTA_TRY(fields.read(tag::kSet, &data.digestAlgorithms));
  SECUREOTA_TRY(checkAlgorithms(data.digestAlgorithms));
  SECUREOTA_TRY(parseEncapsulatedContent(&fields, &data));
  bool present = false;
  SECUREOTA_TRY(fields.readOptional(tag::contextConstructed(0), &data.certificates, &present));
  SECUREOTA_TRY(checkSequences(data.certificates));
  SECUREOTA_TRY(fields.skipOptional(tag::contextConstructed(1)));  // crls: no evidence here
  SECUREOTA_TRY(fields.read(tag::kSet, &data.signerInfos));
  SECUREOTA_TRY(checkSequences(data.signerInfos));
  SECUREOTA_TRY(fields.expectEnd(Error::UnexpectedField));
  *out = data;
  return Error::None;
}

Error parseSignerInfo(Bytes der, SignerInfo* out) {
  SignerInfo info;
  DerReader outer(der);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(fields.read(tag::kInteger, &info.version));
  if (fields.nextIs(tag::kSequence)) {
    DerReader sid((Bytes()));
    SECUREOTA_TRY(fields.enter(tag::kSequence, &sid));
    SECUREOTA_TRY(sid.readWhole(tag::kSequence, &info.issuer));
    SECUREOTA_TRY(sid.read(tag::kInteger, &info.serial));
    SECUREOTA_TRY(sid.expectEnd(Error::Malformed));
  } else {
    SECUREOTA_TRY(fields.skip(tag::context(0)));  // subjectKeyIdentifier
  }
  SECUREOTA_TRY(readAlgorithm(&fields, &info.digestAlgorithm));
  if (fields.nextIs(tag::contextConstructed(0))) {
    SECUREOTA_TRY(fields.readWhole(tag::contextConstructed(0), &info.signedAttributes));
  }
  SECUREOTA_TRY(readAlgorithm(&fields, &info.signatureAlgorithm));
  SECUREOTA_TRY(fields.read(tag::kOctetString, &info.signature));
  SECUREOTA_TRY(fields.skipOptional(tag::contextConstructed(1)));  // unsignedAttrs (check 32)
  SECUREOTA_TRY(fields.expectEnd(Error::UnexpectedField));
  *out = info;
  return Error::None;
}

Error readAttribute(DerReader* reader, Attribute* out) {
  DerReader fields((Bytes()));
  SECUREOTA_TRY(reader->enter(tag::kSequence, &fields));
  SECUREOTA_TRY(fields.read(tag::kObjectIdentifier, &out->type));
  SECUREOTA_TRY(fields.read(tag::kSet, &out->values));
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  return out->values.empty() ? Error::Malformed : Error::None;
}

Error parseSigningCertificate(Bytes value, bool isV2, EssCertId* out) {
  EssCertId id;
  DerReader outer(value);
  DerReader fields((Bytes()));
  DerReader certs((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(fields.enter(tag::kSequence, &certs));
  SECUREOTA_TRY(fields.skipOptional(tag::kSequence));  // policies
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));

  DerReader first((Bytes()));
  SECUREOTA_TRY(certs.enter(tag::kSequence, &first));
  while (!certs.atEnd()) {
    SECUREOTA_TRY(certs.skip(tag::kSequence));
  }
  if (isV2 && first.nextIs(tag::kSequence)) {
    SECUREOTA_TRY(readAlgorithm(&first, &id.algorithm));
    id.hasAlgorithm = true;
    if (id.algorithm.algorithm == oid::sha256 && id.algorithm.parameters.empty()) {
      return Error::NotDer;  // a default value is encoded
    }
  }
  SECUREOTA_TRY(first.read(tag::kOctetString, &id.certificateDigest));
  id.hasIssuerSerial = !first.atEnd();
  if (id.hasIssuerSerial) {
    DerReader issuerSerial((Bytes()));
    SECUREOTA_TRY(first.enter(tag::kSequence, &issuerSerial));
    SECUREOTA_TRY(readDirectoryName(&issuerSerial, &id.issuer));
    SECUREOTA_TRY(issuerSerial.read(tag::kInteger, &id.serial));
    SECUREOTA_TRY(issuerSerial.expectEnd(Error::Malformed));
  }
  SECUREOTA_TRY(first.expectEnd(Error::Malformed));
  *out = id;
  return Error::None;
}

Error parseTstInfo(Bytes der, TstInfo* out) {
  TstInfo info;
  DerReader outer(der);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(outer.expectEnd(Error::UnexpectedField));
  SECUREOTA_TRY(fields.read(tag::kInteger, &info.version));
  SECUREOTA_TRY(fields.read(tag::kObjectIdentifier, &info.policy));
  SECUREOTA_TRY(readImprint(&fields, &info));
  SECUREOTA_TRY(fields.read(tag::kInteger, &info.serial));
  SECUREOTA_TRY(fields.read(tag::kGeneralizedTime, &info.genTime));
  if (fields.nextIs(tag::kSequence)) {
    SECUREOTA_TRY(readAccuracy(&fields, &info));
  }
  bool ordering = false;  // about two tokens of one authority; nothing here depends on it
  SECUREOTA_TRY(fields.readDefaultFalse(&ordering));
  // The nonce is the host's business; here it need only be an INTEGER (check 24).
  SECUREOTA_TRY(fields.skipOptional(tag::kInteger));
  if (fields.nextIs(tag::contextConstructed(0))) {
    DerReader wrapped((Bytes()));
    SECUREOTA_TRY(fields.enter(tag::contextConstructed(0), &wrapped));
    SECUREOTA_TRY(wrapped.readAny(&info.tsa));
    SECUREOTA_TRY(wrapped.expectEnd(Error::Malformed));
  }
  Bytes extensions;
  bool present = false;
  SECUREOTA_TRY(fields.readOptional(tag::contextConstructed(1), &extensions, &present));
  SECUREOTA_TRY(fields.expectEnd(Error::UnexpectedField));
  SECUREOTA_TRY(anyCritical(extensions, &info.unknownCritical));
  *out = info;
  return Error::None;
}

}  // namespace secureota
