#include "invitation.h"

#include "text.h"

namespace secureota {
namespace {

const char kPrefix[] = "RedWax/1.";

bool parseKind(Bytes text, ImageKind* out) {
  uint32_t command = 0;
  if (!parseNumber(text, &command)) {
    return false;
  }
  if (command != kCommandApplication && command != kCommandFilesystem) {
    return false;
  }
  *out = command == kCommandApplication ? ImageKind::Application : ImageKind::Filesystem;
  return true;
}

bool parsePort(Bytes text, uint16_t* out) {
  uint32_t port = 0;
  if (!parseNumber(text, &port) || port == 0 || port > UINT16_MAX) {
    return false;
  }
  *out = static_cast<uint16_t>(port);
  return true;
}

bool parseSize(Bytes text, uint32_t* out) {
  return parseNumber(text, out) && *out != 0;
}

bool parseDigestName(Bytes text, DigestAlgorithm* out) {
  static const struct {
    const char* name;
    DigestAlgorithm algorithm;
  } kNames[] = {
      {"MD5", DigestAlgorithm::Md5},       {"SHA1", DigestAlgorithm::Sha1},
      {"SHA256", DigestAlgorithm::Sha256}, {"SHA384", DigestAlgorithm::Sha384},
      {"SHA512", DigestAlgorithm::Sha512},
  };
  for (const auto& known : kNames) {
    if (text == asBytes(known.name)) {
      *out = known.algorithm;
      return true;
    }
  }
  return false;
}

bool parseDigest(Bytes text, Invitation* invitation) {
  return parseHex(text, invitation->digest, digestSize(invitation->digestAlgorithm));
}

Error parseStockForm(Bytes line, Invitation* out) {
  Bytes rest = line;
  const Bytes kind = cut(&rest, ' ');
  out->stockForm = true;
  out->digestAlgorithm = DigestAlgorithm::Md5;
  out->asksForMd5Password = true;
  if (!parsePort(cut(&rest, ' '), &out->port) || !parseSize(cut(&rest, ' '), &out->size) ||
      !parseDigest(rest, out)) {
    return Error::BadInvitation;
  }
  return parseKind(kind, &out->kind) ? Error::None : Error::WrongImageKind;
}

// The values of the keys that are known; empty where a key is missing.
struct Values {
  Bytes command, port, size, digestName, digest, passwordDigest, direct;
};

bool collectValues(Bytes pairs, Values* out) {
  const struct {
    const char* name;
    Bytes* value;
  } kKeys[] = {{"cmd", &out->command},   {"port", &out->port},     {"size", &out->size},
               {"md", &out->digestName}, {"digest", &out->digest}, {"authmd", &out->passwordDigest},
               {"direct", &out->direct}};
  Bytes rest = pairs;
  while (!rest.empty()) {
    Bytes value = cut(&rest, ' ');
    const Bytes key = cut(&value, '=');
    for (const auto& known : kKeys) {
      if (key == asBytes(known.name)) {
        if (value.empty() || !known.value->empty()) {
          return false;  // no value, or the second one
        }
        *known.value = value;
      }
    }
  }
  return true;
}

Error parseRedWaxForm(Bytes line, Invitation* out) {
  Bytes rest = line;
  const Bytes version = cut(&rest, ' ');
  for (size_t i = strlen(kPrefix); i < version.size; ++i) {
    if (version.data[i] < '0' || version.data[i] > '9') {
      return Error::BadInvitation;
    }
  }
  Values values;
  out->stockForm = false;
  if (!collectValues(rest, &values) || !parsePort(values.port, &out->port) ||
      !parseSize(values.size, &out->size) ||
      !parseDigestName(values.digestName, &out->digestAlgorithm) ||
      !parseDigest(values.digest, out)) {
    return Error::BadInvitation;
  }
  out->asksForMd5Password = values.passwordDigest == asBytes("MD5");
  out->direct = values.direct == asBytes("1");
  return parseKind(values.command, &out->kind) ? Error::None : Error::WrongImageKind;
}

bool isLine(Bytes datagram) {
  for (size_t i = 0; i + 1 < datagram.size; ++i) {
    if (datagram.data[i] < ' ' || datagram.data[i] > '~') {
      return false;
    }
  }
  return !datagram.empty() && datagram.data[datagram.size - 1] == '\n';
}

}  // namespace

bool looksLikeRequest(Bytes datagram) {
  return startsWith(datagram, kPrefix) ||
         (!datagram.empty() && datagram.data[0] >= '0' && datagram.data[0] <= '9');
}

Error parseInvitation(Bytes datagram, Invitation* out) {
  if (datagram.size > kMaxDatagramSize || !isLine(datagram)) {
    return Error::BadInvitation;
  }
  const Bytes line(datagram.data, datagram.size - 1);
  Invitation invitation;
  memset(&invitation, 0, sizeof invitation);
  SECUREOTA_TRY(startsWith(line, kPrefix) ? parseRedWaxForm(line, &invitation)
                                          : parseStockForm(line, &invitation));
  *out = invitation;
  return Error::None;
}

}  // namespace secureota
