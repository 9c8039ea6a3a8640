#include "signed_attributes.h"

#include "oid.h"

namespace secureota {
namespace {

Error attributesReader(const SignerInfo& info, DerReader* out) {
  DerReader whole(info.signedAttributes);
  return whole.enter(tag::contextConstructed(0), out);
}

}  // namespace

Error singleAttributes(const SignerInfo& info, SignedAttributes* out) {
  SignedAttributes found;
  DerReader reader((Bytes()));
  SECUREOTA_TRY(attributesReader(info, &reader));
  const DerReader first = reader;
  for (size_t count = 0; !reader.atEnd(); ++count) {
    Attribute attribute;
    SECUREOTA_TRY(readAttribute(&reader, &attribute));
    if (count == kMaxAttributes) {
      return Error::UnexpectedField;
    }
    DerReader values(attribute.values);
    Bytes value;
    SECUREOTA_TRY(values.readAny(&value));
    DerReader before = first;
    for (size_t i = 0; i < count; ++i) {
      Attribute other;
      SECUREOTA_TRY(readAttribute(&before, &other));
      if (other.type == attribute.type) {
        return Error::AttributeRepeated;
      }
    }
    if (!values.atEnd()) {
      return Error::AttributeRepeated;
    }
    if (attribute.type == oid::contentType) {
      found.contentType = value;
    } else if (attribute.type == oid::messageDigest) {
      found.messageDigest = value;
    } else if (attribute.type == oid::signingCertificate) {
      found.signingCertificate = value;
    } else if (attribute.type == oid::signingCertificateV2) {
      found.signingCertificateV2 = value;
    }
  }
  *out = found;
  return Error::None;
}

// DER: a SET OF ascends by its encodings (X.690 11.6). No encoding is a prefix of another.
Error checkSorted(const SignerInfo& info) {
  DerReader reader((Bytes()));
  SECUREOTA_TRY(attributesReader(info, &reader));
  Bytes previous;
  while (!reader.atEnd()) {
    Bytes current;
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &current));
    const size_t common = previous.size < current.size ? previous.size : current.size;
    if (common != 0 && memcmp(previous.data, current.data, common) > 0) {
      return Error::AttributesNotSorted;
    }
    previous = current;
  }
  return Error::None;
}

Error digestSignedAttributes(const SignerInfo& info, DigestAlgorithm algorithm, uint8_t* out) {
  Digest running;
  const uint8_t set = tag::kSet;
  SECUREOTA_TRY(running.begin(algorithm));
  SECUREOTA_TRY(running.update(Bytes(&set, 1)));
  SECUREOTA_TRY(
      running.update(Bytes(info.signedAttributes.data + 1, info.signedAttributes.size - 1)));
  return running.finish(out);
}

bool isValue(Bytes encoded, uint8_t tag, Bytes contents) {
  DerReader reader(encoded);
  Bytes found;
  return reader.nextIs(tag) && reader.read(tag, &found) == Error::None && reader.atEnd() &&
         found == contents;
}

}  // namespace secureota
