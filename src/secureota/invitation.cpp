#include "invitation.h"

#include "request.h"
#include "text.h"

namespace secureota {
namespace {

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

Error parseRedWaxForm(Bytes line, Invitation* out) {
  Bytes command;
  Bytes port;
  Bytes size;
  Bytes digestName;
  Bytes digest;
  Bytes passwordDigest;
  Bytes direct;
  const Wanted kWanted[] = {{"cmd", &command},   {"port", &port},     {"size", &size},
                            {"md", &digestName}, {"digest", &digest}, {"authmd", &passwordDigest},
                            {"direct", &direct}};
  SECUREOTA_TRY(readPairs(line, kWanted, sizeof kWanted / sizeof kWanted[0]));
  if (!parsePort(port, &out->port) || !parseSize(size, &out->size) ||
      !parseDigestName(digestName, &out->digestAlgorithm) || !parseDigest(digest, out)) {
    return Error::BadInvitation;
  }
  out->stockForm = false;
  out->asksForMd5Password = passwordDigest == asBytes("MD5");
  out->direct = direct == asBytes("1");
  return parseKind(command, &out->kind) ? Error::None : Error::WrongImageKind;
}

}  // namespace

Error parseInvitation(Bytes datagram, Invitation* out) {
  Bytes line;
  SECUREOTA_TRY(takeLine(datagram, &line));
  Invitation invitation;
  memset(&invitation, 0, sizeof invitation);
  SECUREOTA_TRY(isRedWaxForm(line) ? parseRedWaxForm(line, &invitation)
                                   : parseStockForm(line, &invitation));
  *out = invitation;
  return Error::None;
}

}  // namespace secureota
